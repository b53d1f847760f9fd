"""Which models there are.

A folder of weights has a `manifest.json` with one card per model, and one per instrument. The folder that ships with
rawclean comes first, then the user's own (platformdirs' data folder).
"""

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from rawclean.core.answers import SAMPLES, Answer
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality, Role
from rawclean.core.typed import plain, structured
from rawclean.errors import ModelError, UsageError
from rawclean.io.atomic import write_atomically
from rawclean.models.cards import InstrumentCard, ModelCard, NoiseRange, ResidualPoint

MANIFEST = "manifest.json"
METERS = {CfaFamily.BAYER: "noise-meter.safetensors", CfaFamily.XTRANS: "noise-meter-xtrans.safetensors"}
JUDGE = "site-judge.safetensors"
"""What looks at a photo before it is denoised."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LONGEST_NAME = 64
_FILE = re.compile(_NAME.pattern + r"\.safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST_STEP, _LARGEST_HALO = 1 << 8, 1 << 11
"""Samples; the networks that ship look at 87 beyond a tile."""


def shipped_weights() -> Path:
    """The folder of the weights that came with rawclean: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "weights"
    return installed if (installed / MANIFEST).is_file() else package.parent / "weights"


def user_weights() -> Path:
    """The folder for a user's own models."""
    return platformdirs.user_data_path("rawclean") / "weights"


def list_models() -> list[ModelCard]:
    """Cards of all models; a user's card hides a shipped one of the same name.

    Raises ModelError where a manifest is missing or damaged.
    """
    cards = {card.name: card for card in read_manifest(shipped_weights())}
    if os.path.isfile(user_weights() / MANIFEST):  # noqa: PTH113 (false, not an error, in a closed home)
        cards |= {card.name: card for card in read_manifest(user_weights())}
    return list(cards.values())


def find_model(name: str) -> ModelCard:
    """The card with this name; raises UsageError where there is none."""
    cards = list_models()
    for card in cards:
        if card.name == name:
            return card
    raise UsageError(f"no model named {name!r}; there are: {', '.join(card.name for card in cards)}")


def read_manifest(folder: Path) -> list[ModelCard]:
    """The cards of a folder of weights; raises ModelError where its manifest is missing or damaged."""
    return _read(folder)[0]


def read_instruments(folder: Path) -> list[InstrumentCard]:
    """The cards of the instruments of a folder of weights; raises as `read_manifest`."""
    return _read(folder)[1]


def check_name(name: str, folder: Path, *, overwrite: bool) -> Path:
    """Where the weights of a model of this name belong in a folder.

    Raises UsageError where it is no plain name, ModelError where the folder has it already, or it would hide a shipped
    model, and it may not be replaced.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a model: use up to 64 letters, digits, dots, dashes and underscores")
    path = folder / f"{name}.safetensors"
    known = {card.name for card in read_manifest(folder)} if os.path.isfile(folder / MANIFEST) else set()  # noqa: PTH113
    if not overwrite and (name in known or os.path.lexists(path)):
        raise ModelError(f"{path}: there is a model of this name already; use --overwrite to replace it")
    if not overwrite and folder == user_weights() and name in {card.name for card in read_manifest(shipped_weights())}:
        raise ModelError(f"{name}: a shipped model has this name; take another, or hide that one with --overwrite")
    return path


def add_to_manifest(folder: Path, card: ModelCard) -> None:
    """Store a card in the manifest of its folder, replacing one of the same name."""
    cards, instruments = _read(folder) if (folder / MANIFEST).exists() else ([], [])
    write_manifest(folder, [*(other for other in cards if other.name != card.name), card], instruments)


def remove_model(name: str) -> None:
    """Remove a user's own model and its files; raises UsageError where there is none of this name."""
    folder = user_weights()
    cards = read_manifest(folder) if os.path.isfile(folder / MANIFEST) else []  # noqa: PTH113
    card = next((card for card in cards if card.name == name), None)
    if card is None:
        known = ", ".join(card.name for card in cards) or "none"
        raise UsageError(f"no model of yours is named {name!r}; there are: {known}")
    remove_from_manifest(folder, name)
    for path in (card.path, card.onnx_path):
        path.unlink(missing_ok=True)


def remove_from_manifest(folder: Path, name: str) -> None:
    """Take the card of this name out of the manifest of a folder, if it is there."""
    if not (folder / MANIFEST).exists():
        return
    cards, instruments = _read(folder)
    kept = [card for card in cards if card.name != name]
    if len(kept) < len(cards):
        write_manifest(folder, kept, instruments)


def write_manifest(folder: Path, cards: Sequence[ModelCard], instruments: Sequence[InstrumentCard]) -> None:
    """Store the cards of all that a folder of weights has."""
    manifest: dict[str, Any] = {"models": [_row(card) for card in sorted(cards, key=_order)]}
    if instruments:
        rows = [_InstrumentRow(card.path.name, card.sha256, card.answer) for card in instruments]
        manifest["instruments"] = plain(rows)
    write_atomically(folder / MANIFEST, [(json.dumps(manifest, indent=2) + "\n").encode()])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A card as the file has it."""

    name: str
    file: str
    sha256: str
    role: Role
    quality: Quality
    network: str
    sigma_range: tuple[float, float | None]
    parameters: int
    gmac_per_megapixel: float
    recipe: str
    residual: tuple[tuple[float, float], ...]
    mosaic: CfaFamily = CfaFamily.BAYER
    multiple_of: int = 0
    halo: int = 0
    onnx_sha256: str | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class _InstrumentRow:
    file: str
    sha256: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Manifest:
    models: tuple[_Row, ...]
    instruments: tuple[_InstrumentRow, ...] = ()


def _read(folder: Path) -> tuple[list[ModelCard], list[InstrumentCard]]:
    path = folder / MANIFEST
    try:
        manifest = structured(json.loads(path.read_text(encoding="utf-8")), _Manifest)
        instruments = [_instrument(row, folder) for row in manifest.instruments]
        return [_card(row, folder) for row in manifest.models], instruments
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such manifest of models; reinstall rawclean") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give yourself the right to") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a manifest of models ({error}); reinstall rawclean, or delete yours") from error


def _instrument(row: _InstrumentRow, folder: Path) -> InstrumentCard:
    """Raises ValueError where a value is none that it can have."""
    if not (_FILE.fullmatch(row.file) and _SHA256.fullmatch(row.sha256) and _is_sound(row.answer)):
        raise ValueError(f"the entry of instrument {row.file!r:.80} is none that it can have")
    return InstrumentCard(folder / row.file, row.sha256, row.answer)


def _is_sound(answer: Answer | None) -> bool:
    return answer is None or (answer.is_finite and len(answer.samples) == SAMPLES)


def _card(row: _Row, folder: Path) -> ModelCard:
    """Raises ValueError where a value is none that it can have."""
    low, high = row.sigma_range
    points = tuple(ResidualPoint(*point) for point in row.residual)
    sigmas = [point.sigma for point in points]
    for what, fits in (
        ("name", 0 < len(row.name) <= _LONGEST_NAME),
        ("file", _FILE.fullmatch(row.file)),
        ("sha256", all(_SHA256.fullmatch(digest) for digest in (row.sha256, row.onnx_sha256) if digest is not None)),
        ("sigma_range", 0 <= low < (math.inf if high is None else high)),
        ("residual", points and sigmas[0] > 0 and sigmas == sorted(set(sigmas)) and math.isfinite(sigmas[-1])),
        ("residual", all(0 <= point.ratio < math.inf for point in points)),
        ("multiple_of", int(row.onnx_sha256 is not None) <= row.multiple_of <= _LARGEST_STEP),
        ("halo", 0 <= row.halo <= _LARGEST_HALO),
        ("answer", _is_sound(row.answer)),
    ):
        if not fits:
            raise ValueError(f"{what} of {row.name!r:.80} is none that it can have")
    return ModelCard(
        *(row.name, folder / row.file, row.sha256, row.role, row.network),
        quality=row.quality,
        range=NoiseRange(low, math.inf if high is None else high),
        parameters=row.parameters,
        gmac_per_megapixel=row.gmac_per_megapixel,
        recipe=row.recipe,
        residual=points,
        mosaic=row.mosaic,
        multiple_of=row.multiple_of,
        halo=row.halo,
        onnx_sha256=row.onnx_sha256,
        answer=row.answer,
        own=folder == user_weights(),
    )


def _order(card: ModelCard) -> tuple[object, ...]:
    """By rung of quality, then general models before specialists, these by rising noise."""
    return list(Quality).index(card.quality), list(Role).index(card.role), card.range.low, card.name


def _row(card: ModelCard) -> dict[str, Any]:
    row: dict[str, Any] = plain(card)
    del row["path"], row["range"], row["residual"], row["own"]
    return row | {
        "file": card.path.name,
        "sigma_range": [card.range.low, None if math.isinf(card.range.high) else card.range.high],
        "residual": [[point.sigma, point.ratio] for point in card.residual],
    }

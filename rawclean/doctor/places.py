"""Where what rawclean reads and writes lies: profiles, models, scratch files; and which models there are."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality
from rawclean.core.noise import NoiseModel
from rawclean.doctor.finding import Finding, State
from rawclean.errors import InvalidNoiseError, ModelError
from rawclean.io.noise_profiles import check_own_profiles, user_profiles
from rawclean.io.scratch import scratch_folder
from rawclean.model_choice import choose_model, usual_quality
from rawclean.models.cards import ModelCard
from rawclean.models.manifest import MANIFEST, read_manifest, shipped_weights, user_weights
from rawclean.settings import DenoiseSettings

LEAST_SCRATCH = 1 << 30
"""Bytes: a photo needs its own size."""


def profiles() -> Iterator[Finding]:
    """The user's own noise profiles."""
    try:
        count = check_own_profiles()
    except InvalidNoiseError as error:
        yield Finding("noise profiles", State.FAULT, str(error))
        return
    there = f"of {count} cameras of your own" if count else "none of your own"
    yield Finding("noise profiles", State.GOOD, f"{user_profiles()}: {there}")


def model_folders() -> Iterator[Finding]:
    """The folders of models."""
    for name, folder in (("models shipped", shipped_weights()), ("models of yours", user_weights())):
        if folder == user_weights() and not os.path.isfile(folder / MANIFEST):  # noqa: PTH113 (false in a closed home)
            yield Finding(name, State.GOOD, f"{folder}: none")
            continue
        try:
            yield Finding(name, State.GOOD, f"{folder}: {len(read_manifest(folder))}")
        except ModelError as error:
            yield Finding(name, State.FAULT, str(error))


def ladder(cards: Sequence[ModelCard]) -> Iterator[Finding]:
    """The models of each quality, and which quality is taken where none is asked for."""
    usual = usual_quality(DenoiseSettings())
    for mosaic in CfaFamily:
        for quality in Quality:
            names = [card.name for card in cards if card.mosaic is mosaic and card.quality is quality]
            text = ", ".join(names) or f"none; {_stand_in(cards, mosaic, quality)} stands in"
            used = " (what you get unless you say otherwise)" if quality is usual else ""
            yield Finding(f"{mosaic.value} {quality.value}", State.GOOD, f"{text}{used}")


def scratch() -> Iterator[Finding]:
    """Whether there is a folder for temporary files, and room in it."""
    try:
        with scratch_folder() as folder:
            (Path(folder) / "written").write_bytes(b"rawclean")
            place, free = Path(folder).parent, shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding("scratch folder", State.FAULT, f"cannot be written ({error}); set TMPDIR to one that can")
        return
    state = State.GOOD if free >= LEAST_SCRATCH else State.NOTE
    yield Finding("scratch folder", state, f"{place}: {free / 2**30:.1f} GiB free")


def _stand_in(cards: Sequence[ModelCard], mosaic: CfaFamily, quality: Quality) -> str:
    return choose_model(NoiseModel.uniform(1e-3, 1e-6), cards, mosaic, quality, specialists=False).name

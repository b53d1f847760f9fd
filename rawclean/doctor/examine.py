"""All that is looked at, in the order in which it is told."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from functools import partial

from rawclean.doctor import machine, places
from rawclean.doctor.finding import Examination, Finding, examined
from rawclean.doctor.private import without_names
from rawclean.doctor.self_test import try_instruments, try_model
from rawclean.errors import ModelError
from rawclean.models.cards import ModelCard
from rawclean.models.manifest import MANIFEST, read_manifest, shipped_weights, user_weights


def examine(config: Examination) -> Iterator[Finding]:
    """Look at the installation, and tell of it without names of the user; `config` looks at configuration."""
    cards = _cards()
    parts: list[tuple[str, Examination]] = [
        ("programs", machine.programs),
        ("photo files", machine.photo_readers),
        ("processor", machine.processor),
        ("graphics card", machine.gpu),
        *(("engine", partial(machine.engine, card)) for card in cards[:1]),
        ("configuration", config),
        ("noise profiles", places.profiles),
        ("scratch folder", places.scratch),
        ("models", places.model_folders),
        ("models by quality", partial(places.ladder, cards)),
        *((f"model {card.name}", partial(_one, card)) for card in cards),
        ("instruments", partial(try_instruments, shipped_weights())),
    ]
    for name, examination in parts:
        for finding in examined(name, examination):
            yield dataclasses.replace(finding, text=without_names(finding.text))


def _one(card: ModelCard) -> Sequence[Finding]:
    return [try_model(card)]


def _cards() -> list[ModelCard]:
    """All models of the folders whose manifest can be read; a user's hides a shipped one of the same name."""
    cards: dict[str, ModelCard] = {}
    for folder in (shipped_weights(), user_weights()):
        if os.path.isfile(folder / MANIFEST):  # noqa: PTH113 (false, not an error, in a closed home)
            try:
                cards |= {card.name: card for card in read_manifest(folder)}
            except ModelError:  # a finding of `places.model_folders`
                continue
    return list(cards.values())

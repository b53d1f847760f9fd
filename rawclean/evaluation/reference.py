"""What networks answer to the example of `core.answers` where nothing is amiss: torch on a CPU in float32."""

import dataclasses
from pathlib import Path

import torch

from rawclean.core.answers import Answer
from rawclean.engines.answers import answer_of
from rawclean.engines.torch_engine import TorchEngine
from rawclean.instruments.answers import INSTRUMENTS
from rawclean.models.cards import InstrumentCard
from rawclean.models.files import file_sha256
from rawclean.models.manifest import read_manifest, write_manifest
from rawclean.models.weights import load_model
from rawclean.networks import Network


def reference_answer(network: Network) -> Answer:
    """What a network answers."""
    return answer_of(TorchEngine(network, torch.device("cpu"), torch.float32), network.mosaic.planes)


def record_answers(folder: Path) -> int:
    """Store the answers of all that a folder of weights has, and the sha256 of instruments; return their number.

    Raises ModelError where one is damaged, or is not the one of its card.
    """
    cards = [dataclasses.replace(card, answer=reference_answer(load_model(card))) for card in read_manifest(folder)]
    there = {folder / name: answer_of for name, answer_of in INSTRUMENTS.items() if (folder / name).is_file()}
    instruments = [InstrumentCard(path, file_sha256(path), answer(path)) for path, answer in there.items()]
    write_manifest(folder, cards, instruments)
    return len(cards) + len(instruments)

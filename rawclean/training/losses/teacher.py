"""The teacher as losses ask it: frozen, of any architecture, once per batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rawclean.errors import TrainingError
from rawclean.models.weights import load_network
from rawclean.networks import Network
from rawclean.networks.contract import PROBE_SIDE
from rawclean.networks.guides import noise_guides
from rawclean.networks.sigma_map import sigma_around
from rawclean.training.batch import Batch
from rawclean.training.prediction import Prediction, predict


class FrozenTeacher:
    """A network that learns nothing more; no module, so that it is in no checkpoint of those who ask it."""

    def __init__(self, network: Network) -> None:
        self.network = network.requires_grad_(False).eval()
        self._batch: Batch | None = None
        self._prediction: Prediction | None = None

    @classmethod
    def load(cls, path: Path, student: Network, device: torch.device) -> "FrozenTeacher":
        """The teacher of a weight file; raises TrainingError where it is for another mosaic, ModelError."""
        network = load_network(path).to(device)
        if network.mosaic is not student.mosaic:
            raise TrainingError(f"{path}: is for {network.mosaic.value}, the student for {student.mosaic.value}")
        return cls(network)

    def prediction(self, batch: Batch) -> Prediction:
        """What it makes of the noisy planes, told the true noise; computed once, however many losses ask."""
        if self._prediction is None or self._batch is not batch:
            with torch.no_grad():
                prediction = predict(self.network, batch.noisy, sigma_around(batch.noisy, batch.noise))
            self._batch, self._prediction = batch, prediction
        return self._prediction

    def features(self, planes: Tensor, batch: Batch) -> list[Tensor]:
        """What it sees in other planes (B, planes, H, W) of a batch, coarsest scale first; gradients reach `planes`."""
        return self.network.features(planes, sigma_around(batch.noisy, batch.noise))


@dataclass(frozen=True, slots=True)
class FeaturePair:
    """Features of student and teacher of one resolution: their places in `features`, and their channels."""

    student: int
    teacher: int
    student_channels: int
    teacher_channels: int


def feature_pairs(student: Network, teacher: Network, layers: Sequence[int]) -> list[FeaturePair]:
    """The `layers` of the teacher's features, coarsest 0, with those of the student of equal resolution.

    Layers of a resolution that the student does not have are left out. Raises TrainingError where none remains, or
    where the teacher does not have one.
    """
    seen, shown = _probe(student), _probe(teacher)
    check_layers(teacher, layers)
    places = {shape[-1]: place for place, shape in enumerate(seen)}
    pairs = [
        FeaturePair(place, layer, seen[place][1], shown[layer][1])
        for layer in layers
        if (place := places.get(shown[layer][-1])) is not None
    ]
    if not pairs:
        raise TrainingError("student and teacher have no features of one resolution; name other layers")
    return pairs


def check_layers(teacher: Network, layers: Sequence[int]) -> None:
    """Raise TrainingError where the teacher has no features of that number."""
    count = len(_probe(teacher))
    if not layers or not all(0 <= layer < count for layer in layers):
        raise TrainingError(f"layers of this teacher are from 0, the coarsest, to {count - 1}; name some of them")


@torch.no_grad()
def probed_stages(network: Network) -> list[list[torch.Size]]:
    """Shapes of its stages, for planes of one size."""
    parameter = next(network.parameters())
    planes = torch.ones(1, network.mosaic.planes, PROBE_SIDE, PROBE_SIDE).to(parameter)
    stages = network.stages(noise_guides(planes, planes, network.scales, network.mosaic))
    return [[features.shape for features in stage] for stage in stages]


def _probe(network: Network) -> list[torch.Size]:
    """Shapes of its features."""
    return [stage[-1] for stage in probed_stages(network)]

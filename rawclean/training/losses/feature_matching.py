"""Feature Matching: distil a large denoiser by comparing what it sees (Young et al. 2021, PAPERS form of the loss).

The student's result and a target go through the frozen teacher; L = sum over its layers of w_l * mean |phi_l(student) -
phi_l(target)|. Here w_l is one over the same distance for the noisy input, so that layers and noise levels weigh alike.
"""

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor

from rawclean.training.batch import Batch
from rawclean.training.losses import Loss
from rawclean.training.losses.teacher import FrozenTeacher
from rawclean.training.prediction import Prediction

LEAST_DISTANCE = 1e-6
"""Keeps the ratio finite where a layer does not see the noise."""


class Target(Enum):
    """What the student's features are compared with."""

    CLEAN = "clean"
    TEACHER = "teacher"


class FeatureMatching(Loss):
    """The loss for one frozen teacher; `layers` index its features, coarsest first."""

    def __init__(self, teacher: FrozenTeacher, layers: Sequence[int], target: Target) -> None:
        super().__init__()
        self.teacher = teacher
        self.layers = tuple(layers)
        self.target = target

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over crops and layers of the relative feature distance; gradients reach the result only."""
        with torch.no_grad():
            of_teacher = self.target is Target.TEACHER
            target = self.teacher.prediction(batch).denoised if of_teacher else batch.clean
            wanted, given = (self._features(planes, batch) for planes in (target, batch.noisy))
        reached = self._features(student.denoised, batch)
        distances = [
            distance(got, want) / distance(start, want).clamp(min=LEAST_DISTANCE)
            for got, want, start in zip(reached, wanted, given, strict=True)
        ]
        return torch.stack(distances).mean()

    def _features(self, planes: Tensor, batch: Batch) -> list[Tensor]:
        features = self.teacher.features(planes, batch)
        return [features[layer] for layer in self.layers]


def distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference per crop, (B,), in float32."""
    return (first.float() - second.float()).abs().mean(dim=(1, 2, 3))

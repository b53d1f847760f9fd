"""Feature Matching: distil a large denoiser by comparing what it sees (Young et al. 2021, PAPERS form of the loss).

The student's result and a target go through the frozen teacher; L = sum over its layers of w_l * mean |phi_l(student) -
phi_l(target)|. Here w_l is one over the same distance for the noisy input, so that layers and noise levels weigh alike.
"""

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor

from rawclean.networks.contract import predict_noise
from rawclean.networks.sigma_map import sigma_around
from rawclean.networks.teacher import Teacher
from rawclean.training.batch import Batch

LEAST_DISTANCE = 1e-6
"""Keeps the ratio finite where a layer does not see the noise."""


class Target(Enum):
    """What the student's features are compared with."""

    CLEAN = "clean"
    TEACHER = "teacher"


class FeatureMatching:
    """The loss for one frozen teacher; `layers` index `Teacher.features`, coarsest first."""

    def __init__(self, teacher: Teacher, layers: Sequence[int], target: Target) -> None:
        self.teacher = teacher.requires_grad_(False)
        self.layers = tuple(layers)
        self.target = target

    def __call__(self, denoised: Tensor, batch: Batch) -> Tensor:
        """Mean over crops and layers of the relative feature distance; gradients reach `denoised` only."""
        sigma_map = sigma_around(batch.noisy, batch.noise)
        with torch.no_grad():
            target = batch.clean
            if self.target is Target.TEACHER:
                target = batch.noisy - predict_noise(self.teacher, batch.noisy, sigma_map)
            wanted, given = (self._features(planes, sigma_map) for planes in (target, batch.noisy))
        reached = self._features(denoised, sigma_map)
        distances = [
            _distance(got, want) / _distance(start, want).clamp(min=LEAST_DISTANCE)
            for got, want, start in zip(reached, wanted, given, strict=True)
        ]
        return torch.stack(distances).mean()

    def _features(self, planes: Tensor, sigma_map: Tensor) -> list[Tensor]:
        features = self.teacher.features(planes, sigma_map)
        return [features[layer] for layer in self.layers]


class OutputMatching:
    """Distil the teacher's result itself: mean |student - teacher| over that of the noisy input."""

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher.requires_grad_(False)

    def __call__(self, denoised: Tensor, batch: Batch) -> Tensor:
        """Mean over crops of the relative distance to the teacher's result."""
        with torch.no_grad():
            sigma_map = sigma_around(batch.noisy, batch.noise)
            target = batch.noisy - predict_noise(self.teacher, batch.noisy, sigma_map)
        start = _distance(batch.noisy, target).clamp(min=LEAST_DISTANCE)
        return (_distance(denoised, target) / start).mean()


def _distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference per crop, (B,), in float32."""
    return (first.float() - second.float()).abs().mean(dim=(1, 2, 3))

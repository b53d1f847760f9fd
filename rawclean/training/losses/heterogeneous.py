"""Heterogeneous distillation: a student learns from a teacher of another architecture.

HMDS of Li et al. 2022 (arXiv 2204.13873), reconstructed from the abstract.
First strategy: the teacher's result is a second target. Second: the student's features, through 1x1 adapters that are
learned with it, match the teacher's of equal resolution for the same noisy input.
"""

import torch
from torch import Tensor

from rawclean.training.batch import Batch
from rawclean.training.losses import Loss
from rawclean.training.losses.feature_matching import LEAST_DISTANCE, distance
from rawclean.training.losses.paired import AdaptedLoss
from rawclean.training.losses.teacher import FrozenTeacher
from rawclean.training.prediction import Prediction


class OutputMatching(Loss):
    """First strategy: mean |student - teacher| over that of the noisy input."""

    def __init__(self, teacher: FrozenTeacher) -> None:
        super().__init__()
        self.teacher = teacher

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over crops of the relative distance to the teacher's result."""
        target = self.teacher.prediction(batch).denoised
        start = distance(batch.noisy, target).clamp(min=LEAST_DISTANCE)
        return (distance(student.denoised, target) / start).mean()


class AdaptedFeatures(AdaptedLoss):
    """Second strategy: mean |A(S) - T| over that of the mean of every channel of T, with a learned 1x1 map A."""

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over crops and layers; about one for an adapter that has learned nothing but the means."""
        wanted = self.teacher.prediction(batch).features
        terms = []
        for pair, adapter in zip(self.pairs, self.adapters, strict=True):
            target = wanted[pair.teacher]
            spread = distance(target, target.mean(dim=(0, 2, 3), keepdim=True)).clamp(min=LEAST_DISTANCE)
            terms.append(distance(adapter(student.features[pair.student]), target) / spread)
        return torch.stack(terms).mean()

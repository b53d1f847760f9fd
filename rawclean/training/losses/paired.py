"""What losses have in common that compare features of student and teacher, pair by pair."""

from collections.abc import Sequence

from torch import nn

from rawclean.training.losses import Loss
from rawclean.training.losses.teacher import FeaturePair, FrozenTeacher

LEAST_DEVIATION = 1e-3
"""Keeps channels of the teacher that do nothing from being scaled up."""


class PairedLoss(Loss):
    """A loss by one frozen teacher and features of the student that pair with its own."""

    def __init__(self, teacher: FrozenTeacher, pairs: Sequence[FeaturePair]) -> None:
        super().__init__()
        self.teacher = teacher
        self.pairs = tuple(pairs)


class AdaptedLoss(PairedLoss):
    """One that learns a 1x1 map of the student's channels to the teacher's for each pair."""

    def __init__(self, teacher: FrozenTeacher, pairs: Sequence[FeaturePair]) -> None:
        super().__init__(teacher, pairs)
        self.adapters = nn.ModuleList(nn.Conv2d(pair.student_channels, pair.teacher_channels, 1) for pair in pairs)

"""Losses: each takes what the student makes of a batch, and the batch, and returns a scalar.

All are relative to the noise that was there, or to the features that are matched, so that every noise level and every
scale weighs alike: about one (or zero, for the logarithm) where nothing was learned, least where all was.
"""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from rawclean.training.batch import Batch
from rawclean.training.prediction import Prediction


class Loss(nn.Module):
    """One thing to learn; what it learns itself are its parameters, what it remembers are its buffers.

    The loop optimises and keeps both (`training.lesson`). Networks that are only asked are no part of it
    (`losses.teacher`).
    """

    @abstractmethod
    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """The loss (scalar); gradients reach the student's prediction and the loss's own parts only."""


@dataclass(frozen=True, slots=True)
class WeightedLoss:
    """One term of the sum that is minimised."""

    weight: float
    loss: Loss
    fades: bool = False
    """Whether the weight falls linearly to zero over the run."""

    def at(self, done: float, student: Prediction, batch: Batch) -> Tensor:
        """The term after the share `done` of the run, from 0 to 1."""
        weight = self.weight * (1 - done) if self.fades else self.weight
        term: Tensor = weight * self.loss(student, batch)
        return term

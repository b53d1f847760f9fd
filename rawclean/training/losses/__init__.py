"""Losses: each takes the denoised planes (B, 4, H, W), linear float32, and their batch, and returns a scalar.

All are relative to the noise that was there, so that every noise level weighs alike: about one (or zero, for the
logarithm) where nothing was denoised, least where all was.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from rawclean.training.batch import Batch

Loss = Callable[[Tensor, Batch], Tensor]


@dataclass(frozen=True, slots=True)
class WeightedLoss:
    """One term of the sum that is minimised."""

    weight: float
    loss: Loss
    fades: bool = False
    """Whether the weight falls linearly to zero over the run."""

    def at(self, done: float, denoised: Tensor, batch: Batch) -> Tensor:
        """The term after the share `done` of the run, from 0 to 1."""
        weight = self.weight * (1 - done) if self.fades else self.weight
        return weight * self.loss(denoised, batch)

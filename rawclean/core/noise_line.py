"""The line Var(x) = shot * x + read through measured variances, with standard errors.

Weighted least squares, iterated with the line's own variances as weights: what a variance is off by is in proportion
to it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ROUNDS = 12
BINS, LEAST_IN_BIN = 16, 4
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class NoiseLine:
    """A line through blocks, with standard errors."""

    shot: float
    read: float
    shot_error: float
    read_error: float


def robust_line(signal: Tensor, variance: Tensor) -> tuple[float, float]:
    """Shot and read of a line through the medians of bins of equal width, which a clipped plateau cannot draw to it."""
    brightness = signal.clamp(min=0).sqrt()
    edges = torch.linspace(float(brightness.min()), float(brightness.max()), BINS + 1)
    index = torch.bucketize(brightness, edges[1:-1])
    counts = torch.bincount(index, minlength=BINS)
    chosen = [index == bin_ for bin_ in range(BINS) if counts[bin_] >= min(LEAST_IN_BIN, int(counts.max()))]
    x = torch.stack([signal[choice].median() for choice in chosen]).double()
    y = torch.stack([variance[choice].median() for choice in chosen]).double()
    shot = max(float((y / x.clamp(min=1e-4)).median()), LEAST_VARIANCE)
    read = max(float(y.min()), LEAST_VARIANCE) / 2
    for _ in range(ROUNDS):
        line = shot * x + read
        weight = 1 / (1 + ((y / line - 1) / 0.1).square())  # Cauchy's weights
        shot, read, _ = _least_squares(x, y, weight / line.square())
        shot, read = max(shot, LEAST_VARIANCE), max(read, LEAST_VARIANCE)
    return shot, read


def fit_line(signal: Tensor, variance: Tensor) -> NoiseLine:
    """The line through blocks, (K,) signals and variances, with standard errors by their scatter about it."""
    x, y = signal.double(), variance.double()
    shot, read = float(y.mean() / x.mean().clamp(min=1e-6)), float(y.min())
    for _ in range(ROUNDS):
        line = (shot * x + read).clamp(min=max(float(y.median()) * 1e-3, LEAST_VARIANCE))
        shot, read, (shot_error, read_error) = _least_squares(x, y, 1 / line.square())
    scatter = float(((y / line - 1).square().sum() / max(len(x) - 2, 1)).sqrt())
    return NoiseLine(shot, read, shot_error * scatter, read_error * scatter)


def _least_squares(x: Tensor, y: Tensor, weight: Tensor) -> tuple[float, float, tuple[float, float]]:
    """Slope and offset of a weighted fit, and their standard errors where `weight` is one over the variances of `y`.

    The errors are infinite where `x` is one value.
    """
    total = float(weight.sum())
    middle = float((weight * x).sum()) / total
    centred = x - middle
    leverage = float((weight * centred.square()).sum())
    if leverage <= 0:
        return 0.0, float((weight * y).sum()) / total, (math.inf, math.inf)
    slope = float((weight * centred * y).sum()) / leverage
    offset = float((weight * y).sum()) / total - slope * middle
    return slope, offset, (leverage**-0.5, (1 / total + middle**2 / leverage) ** 0.5)

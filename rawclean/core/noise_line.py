"""The line Var(x) = shot * x + read through measured variances, with standard errors.

Weighted least squares, iterated with the line's own variances as weights: what a variance is off by is in proportion
to it.
"""

import math
from dataclasses import dataclass

import numpy as np

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


def robust_line(signal: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """Shot and read of a line through the medians of bins of equal width, which a clipped plateau cannot draw to it."""
    brightness = np.sqrt(signal.clip(min=0))
    edges = np.linspace(brightness.min(), brightness.max(), BINS + 1)
    index = np.searchsorted(edges[1:-1], brightness)
    counts = np.bincount(index, minlength=BINS)
    chosen = [index == bin_ for bin_ in range(BINS) if counts[bin_] >= min(LEAST_IN_BIN, int(counts.max()))]
    x, y = (np.array([np.median(values[choice]) for choice in chosen], float) for values in (signal, variance))
    shot = max(float(np.median(y / x.clip(min=1e-4))), LEAST_VARIANCE)
    read = max(float(y.min()), LEAST_VARIANCE) / 2
    for _ in range(ROUNDS):
        line = shot * x + read
        weight = 1 / (1 + np.square((y / line - 1) / 0.1))  # Cauchy's weights
        shot, read, _ = _least_squares(x, y, weight / np.square(line))
        shot, read = max(shot, LEAST_VARIANCE), max(read, LEAST_VARIANCE)
    return shot, read


def fit_line(signal: np.ndarray, variance: np.ndarray) -> NoiseLine:
    """The line through blocks, (K,) signals and variances, with standard errors by their scatter about it."""
    x, y = signal.astype(float), variance.astype(float)
    shot, read = float(y.mean()) / max(float(x.mean()), 1e-6), float(y.min())
    for _ in range(ROUNDS):
        line = (shot * x + read).clip(min=max(float(np.median(y)) * 1e-3, LEAST_VARIANCE))
        shot, read, (shot_error, read_error) = _least_squares(x, y, 1 / np.square(line))
    scatter = math.sqrt(float(np.square(y / line - 1).sum()) / max(len(x) - 2, 1))
    return NoiseLine(shot, read, shot_error * scatter, read_error * scatter)


def _least_squares(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float, tuple[float, float]]:
    """Slope and offset of a weighted fit, and their standard errors where `weight` is one over the variances of `y`.

    The errors are infinite where `x` is one value.
    """
    total = float(weight.sum())
    middle = float((weight * x).sum()) / total
    centred = x - middle
    leverage = float((weight * np.square(centred)).sum())
    if leverage <= 0:
        return 0.0, float((weight * y).sum()) / total, (math.inf, math.inf)
    slope = float((weight * centred * y).sum()) / leverage
    offset = float((weight * y).sum()) / total - slope * middle
    return slope, offset, (leverage**-0.5, (1 / total + middle**2 / leverage) ** 0.5)

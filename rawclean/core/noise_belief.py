"""What is believed of a photo's shot and read noise: a density over both, to which every witness contributes.

A photo shows the standard deviation of its noise at the signals that occur in it; tags, profiles and ISO name both
parameters, more or less truly. All are densities on one grid, and the conclusion is the mean of their product, so that
nothing is believed alone and what no witness knows comes from what sensors have in general.
"""

import math
from dataclasses import dataclass

import numpy as np

from rawclean.core.noise import MID_GREY, NoiseModel

LOG_SHOT = np.linspace(math.log(3e-8), math.log(0.2), 170)
LOG_ELECTRONS = np.linspace(math.log(0.2), math.log(30.0), 30)
"""Axes of the grid: shot noise, and read noise in electrons, sqrt(read) / shot."""
USUAL_ELECTRONS, ELECTRONS_SPREAD = 1.8, 0.8
"""Median read noise of sensors and standard deviation of its logarithm (DND 1.15-4.3, ELD 0.5-11)."""
OUTLIERS, OUTLIER_RANGE = 0.15, 8.0
"""Share of the pieces of a photo that show something else than its noise, anything in a range of the logarithm."""
PIECES_COUNTED = 12.0
"""Pieces after which more of one photo tell nothing new: their errors are alike."""
LIAR = 0.1
"""Probability that a tag or a profile has nothing to do with the photo."""


@dataclass(frozen=True, slots=True)
class NoiseBelief:
    """A density over shot noise and electrons of read noise, unnormalised."""

    log_density: np.ndarray
    """(shot, electrons) on the grid."""

    def __and__(self, other: "NoiseBelief") -> "NoiseBelief":
        return NoiseBelief(self.log_density + other.log_density)

    def blurred(self, width: float) -> "NoiseBelief":
        """The same, if all of sigma may be off by a common error of this logarithm."""
        distance = 0.5 * (LOG_SHOT[:, None] - LOG_SHOT) / width
        return NoiseBelief(np.logaddexp.reduce(self.log_density[None] - 0.5 * np.square(distance)[..., None], axis=1))

    def shot_and_read(self) -> tuple[float, float]:
        """The mean, in logarithms."""
        weight = self._weights()
        shot = float((weight.sum(1) * LOG_SHOT).sum())
        electrons = float((weight.sum(0) * LOG_ELECTRONS).sum())
        return math.exp(shot), math.exp(2 * (shot + electrons))

    def width(self, signal: float = MID_GREY) -> float:
        """Standard deviation of the logarithm of sigma at a signal."""
        weight, log_sigma = self._weights(), _log_sigma(np.array([signal]))[..., 0]
        mean = (weight * log_sigma).sum()
        return math.sqrt(float((weight * np.square(log_sigma - mean)).sum()))

    def _weights(self) -> np.ndarray:
        weight = np.exp(self.log_density - self.log_density.max())
        return weight / weight.sum()


def prior_belief() -> NoiseBelief:
    """What sensors have: any shot noise, some electrons of read noise."""
    electrons = -0.5 * np.square((LOG_ELECTRONS - math.log(USUAL_ELECTRONS)) / ELECTRONS_SPREAD)
    return NoiseBelief(np.broadcast_to(electrons, (len(LOG_SHOT), len(LOG_ELECTRONS))))


def stated_belief(noise: NoiseModel, width: float, liar: float = LIAR) -> NoiseBelief:
    """What a witness states whose sigma is off by `width` (of its logarithm), or is quite wrong."""
    shot, read = (max(float(value.mean()), 1e-16) for value in (noise.shot, noise.read))
    electrons = min(max(math.sqrt(read) / shot, 0.25), 25.0)
    shot_error = (LOG_SHOT - math.log(shot))[:, None] / (2 * width)
    electrons_error = (LOG_ELECTRONS - math.log(electrons)) / max(2 * width, 0.2)
    stated = math.log(1 - liar) - 0.5 * (np.square(shot_error) + np.square(electrons_error))
    return NoiseBelief(np.logaddexp(stated, math.log(max(liar, 1e-30)) - 5.0))


def measured_belief(signal: np.ndarray, log_sigma: np.ndarray, log_sd: np.ndarray) -> NoiseBelief:
    """What pieces of a photo show: the log of sigma at their signal, each with a standard deviation; all (N,)."""
    if not len(signal):
        return NoiseBelief(np.zeros((len(LOG_SHOT), len(LOG_ELECTRONS))))
    density = np.exp(-0.5 * np.square((_log_sigma(signal) - log_sigma) / np.exp(log_sd)))
    density *= (1 - OUTLIERS) / (math.sqrt(2 * math.pi) * np.exp(log_sd))
    density += OUTLIERS / OUTLIER_RANGE
    likelihood = np.log(density).sum(-1, dtype=np.float64)
    return NoiseBelief(likelihood * min(1.0, PIECES_COUNTED / len(signal)))


def _log_sigma(signal: np.ndarray) -> np.ndarray:
    """Log of sigma at signals (N,) for every point of the grid: (shot, electrons, N)."""
    shot = np.exp(LOG_SHOT)[:, None, None].astype(signal.dtype)
    read = np.square(shot * np.exp(LOG_ELECTRONS)[:, None].astype(signal.dtype))
    return 0.5 * np.log(shot * signal.clip(min=0) + read)

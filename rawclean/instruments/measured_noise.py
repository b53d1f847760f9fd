"""The noise that a photo shows by itself: measured in small pieces by the noise meter, and the true clip level."""

from dataclasses import dataclass

import numpy as np

from rawclean.core.clip_level import find_clip_levels
from rawclean.core.noise import NoiseModel
from rawclean.core.noise_belief import NoiseBelief, measured_belief, prior_belief
from rawclean.core.noise_patches import cut_patches
from rawclean.instruments.noise_meter import NoiseMeter

NEAR_CLIP = 0.985
"""Share of the clip level above which a sample may have lost noise."""
POINT_GROUPS = 12
"""Points per plane that the measurement is summed up in, for people."""
CORRELATED = 0.15
"""Correlation of neighbouring samples from which on a camera has filtered its RAW."""
COMMON_ERROR = 0.06
"""Standard deviation of an error of the meter that all pieces of a photo share."""


@dataclass(frozen=True, slots=True)
class NoisePoint:
    """Noise at one signal of one plane."""

    plane: int
    signal: float
    variance: float
    count: int
    """Pieces of the photo."""


@dataclass(frozen=True, slots=True)
class MeasuredNoise:
    """What a photo shows."""

    belief: NoiseBelief
    points: tuple[NoisePoint, ...]
    """By plane and rising signal; none where nothing could be measured."""
    clip: np.ndarray
    """(4,) signal at which R, Gr, Gb and B are saturated, at most one."""
    correlation: float

    @property
    def correlated(self) -> bool:
        """Whether noise is smoothed, so that neighbouring samples share it."""
        return self.correlation > CORRELATED


def measure_noise(planes: np.ndarray, floor: float, meter: NoiseMeter) -> MeasuredNoise:
    """Measure `planes` (4, H, W), linear, of independent samples, clipped at `floor` and at one or below."""
    first = _measure(planes, floor, np.ones(4, np.float32), meter)
    if not first.points:
        return first
    shot, read = (first.belief & prior_belief()).shot_and_read()
    clip = find_clip_levels(planes, NoiseModel.uniform(min(shot, 1.0), min(read, 1.0)))
    return _measure(planes, floor, clip, meter) if (clip < 1).any() else first


def _measure(planes: np.ndarray, floor: float, clip: np.ndarray, meter: NoiseMeter) -> MeasuredNoise:
    patches = cut_patches(planes, floor, np.where(clip < 1, clip, np.float32(NEAR_CLIP)))
    if not len(patches.values):
        empty = np.empty(0)
        return MeasuredNoise(measured_belief(empty, empty, empty), (), clip, 0.0)
    readings = meter.read(patches)
    belief = measured_belief(patches.mean.ravel(), readings.log_sigma.ravel(), readings.log_sd.ravel())
    weight = np.exp(-2 * readings.log_sd)
    correlation = float((readings.correlation * weight.mean(1)).sum() / weight.mean(1).sum())
    points = _points(patches.mean, readings.log_sigma, weight)
    return MeasuredNoise(belief.blurred(COMMON_ERROR), points, clip, correlation)


def _points(signal: np.ndarray, log_sigma: np.ndarray, weight: np.ndarray) -> tuple[NoisePoint, ...]:
    """Weighted means of pieces (N, 4) of similar brightness."""
    points = []
    for plane in range(signal.shape[1]):
        for group in np.array_split(signal[:, plane].argsort(), min(POINT_GROUPS, len(signal))):
            share = weight[group, plane] / weight[group, plane].sum()
            mean, log_mean = ((values[group, plane] * share).sum() for values in (signal, log_sigma))
            points.append(NoisePoint(plane, float(mean), float(np.exp(2 * log_mean)), len(group)))
    return tuple(points)

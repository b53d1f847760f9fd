"""The noise meter on pieces of a photo: `networks.noise_meter`, which training uses, in numpy."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.cores import on_all_cores
from rawclean.core.noise_patches import LOG_SD, PLANES, NoisePatches
from rawclean.instruments.layers import Weights, convolved, layer_shapes, linear, read_weights
from rawclean.models.manifest import METERS, shipped_weights

PIECES_AT_A_TIME = 16
"""Few, so that what lies between two layers stays in the processor's cache."""
_CONVOLUTIONS = {
    "features.0": (PLANES, 24),
    "features.2": (24, 24),
    "features.4": (24, 32),
    "features.6": (32, 48),
}
"""Channels in and out."""
_STRIDES = (1, 1, 2, 2)
_LINEAR = {"features.10": (48, 64), "answer": (64, 2 * PLANES + 1)}


@dataclass(frozen=True, slots=True)
class NoiseReadings:
    """What a meter says of N pieces."""

    log_sigma: np.ndarray
    """(N, 4), logarithm of the standard deviation of the noise."""
    log_sd: np.ndarray
    """(N, 4), logarithm of the standard deviation of `log_sigma`."""
    correlation: np.ndarray
    """(N,), of the noise of neighbouring samples of a plane."""


@dataclass(frozen=True, slots=True)
class NoiseMeter:
    """A meter ready to measure."""

    weights: Weights

    @classmethod
    def load(cls, path: Path) -> "NoiseMeter":
        """The meter of a weight file; raises ModelError where it is none."""
        return cls(read_weights(path, layer_shapes(_CONVOLUTIONS, 3, 3) | layer_shapes(_LINEAR)))

    def read(self, patches: NoisePatches) -> NoiseReadings:
        """What the meter says of the pieces of a photo, at least one."""
        starts = range(PIECES_AT_A_TIME, len(patches.values), PIECES_AT_A_TIME)
        answers = np.concatenate(on_all_cores(self._answer, np.split(patches.values, starts)))
        ratio, log_sd, correlation = np.split(answers, [PLANES, 2 * PLANES], axis=1)
        return NoiseReadings(np.log(patches.scale) + ratio, log_sd.clip(*LOG_SD), correlation[:, 0])

    def _answer(self, values: np.ndarray) -> np.ndarray:
        images = np.moveaxis(values, 1, -1)
        for layer, stride in zip(_CONVOLUTIONS, _STRIDES, strict=True):
            images = convolved(images, self.weights, layer, stride)
        hidden = linear(images.mean((1, 2)), self.weights, "features.10").clip(min=0)
        return linear(hidden, self.weights, "answer")


@lru_cache(maxsize=len(METERS))
def shipped_meter(mosaic: CfaFamily) -> NoiseMeter:
    """The meter for a mosaic that comes with rawclean; raises as `NoiseMeter.load`."""
    return NoiseMeter.load(shipped_weights() / METERS[mosaic])

"""The classic to beat: BM3D on each plane after variance stabilisation (Makitalo and Foi 2011, 2013).

Needs the package bm3d, which is in the extra `test`: its licence allows non-commercial use only.
"""

import math

import numpy as np

from rawclean.core.noise import NoiseModel
from rawclean.errors import ModelError


def bm3d_planes(planes: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """Denoise linear `planes` (4, H, W); raises ModelError where bm3d is not installed."""
    try:
        from bm3d import bm3d  # noqa: PLC0415
    except ImportError as error:
        raise ModelError("the package bm3d is missing; pip install 'rawclean[test]'") from error
    clean = np.empty_like(planes)
    for plane, shot, read, out in zip(planes, noise.shot.tolist(), noise.read.tolist(), clean, strict=True):
        stable = stabilise(plane, shot, read)
        low, span = stable.min(), stable.max() - stable.min()
        smooth = bm3d((stable - low) / span, float(1 / span)).astype(np.float32)
        out[...] = unbiased_inverse(smooth * span + low, shot, read)
    return clean


def stabilise(signal: np.ndarray, shot: float, read: float) -> np.ndarray:
    """Generalised Anscombe transform: noise of `signal` becomes standard normal."""
    return 2 / shot * np.sqrt((shot * signal + 0.375 * shot**2 + read).clip(min=0))


def unbiased_inverse(stable: np.ndarray, shot: float, read: float) -> np.ndarray:
    """Closed-form approximation of the exact unbiased inverse (Makitalo and Foi 2011, equation 10)."""
    z = stable.clip(min=1e-6)
    photons = z**2 / 4 + math.sqrt(1.5) / 4 / z - 11 / 8 / z**2 + 5 / 8 * math.sqrt(1.5) / z**3 - 1 / 8
    return shot * (photons - read / shot**2)

"""Planes with the noise of a sensor, by numpy's generator: shares no code with the synthesis that is tested."""

import numpy as np

from rawclean.core.noise import NoiseModel


def with_noise(clean: np.ndarray, noise: NoiseModel, seed: int = 0) -> np.ndarray:
    """`clean` (..., P, H, W) with noise, float32."""
    normal = np.random.default_rng(seed).standard_normal(clean.shape, np.float32)
    variance = noise.shot[..., None, None] * clean.clip(min=0) + noise.read[..., None, None]
    return (clean + normal * np.sqrt(variance)).astype(np.float32)

"""How strong the noise is around each sample, as networks are told of it."""

from torch import Tensor

from rawclean.core.noise import SIGMA_WINDOW, NoiseModel
from rawclean.networks.local_mean import local_mean

SIGMA_FLOOR = 1e-6
"""Least sigma that a map holds: 1/16 of a 16-bit step, so that a noiseless photo divides safely."""


def sigma_around(planes: Tensor, noise: NoiseModel) -> Tensor:
    """Standard deviation (B, P, H, W) expected around each sample of noisy linear `planes` (B, P, H, W).

    Fields of `noise` are tensors (P,) or (B, P).
    """
    variance: Tensor = noise.variance(local_mean(planes, SIGMA_WINDOW))
    return variance.sqrt().clamp(min=SIGMA_FLOOR)

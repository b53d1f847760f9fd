"""How strong the noise is around each sample, as networks are told of it."""

from torch import Tensor

from rawclean.core.noise import SIGMA_FLOOR, SIGMA_WINDOW, NoiseModel
from rawclean.networks.local_mean import local_mean


def sigma_around(planes: Tensor, noise: NoiseModel) -> Tensor:
    """Standard deviation (B, P, H, W) expected around each sample of noisy linear `planes` (B, P, H, W).

    Fields of `noise` are tensors (P,) or (B, P).
    """
    return noise.variance(local_mean(planes, SIGMA_WINDOW)).sqrt().clamp(min=SIGMA_FLOOR)

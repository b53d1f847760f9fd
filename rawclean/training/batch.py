"""What one training step learns from."""

from dataclasses import dataclass

from torch import Tensor

from rawclean.core.noise import NoiseModel


@dataclass(frozen=True, slots=True)
class Batch:
    """Planes (B, planes, H, W) and the noise that separates them; fields of noise are (B, planes)."""

    clean: Tensor
    noisy: Tensor
    noise: NoiseModel
    told: NoiseModel
    """What the network is told of the noise."""

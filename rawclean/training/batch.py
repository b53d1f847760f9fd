"""What one training step learns from."""

from dataclasses import dataclass

from torch import Tensor

from rawclean.core.noise import NoiseModel


@dataclass(frozen=True, slots=True)
class Batch:
    """Planes (B, 4, H, W) and the noise that separates them; fields of `noise` are (B, 4)."""

    clean: Tensor
    noisy: Tensor
    noise: NoiseModel

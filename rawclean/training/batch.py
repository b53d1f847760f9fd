"""What one training step learns from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
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


class Crops(Protocol):
    """Where batches come from."""

    def draw(self, count: int, crop: int, rng: torch.Generator) -> Batch:
        """Draw `count` crops of `crop` x `crop` mosaic samples; `rng`, on the CPU, is the only source of chance."""
        ...


def generator_on(device: torch.device, rng: torch.Generator) -> torch.Generator:
    """A source of chance for computing on `device`, seeded by `rng` on the CPU."""
    return torch.Generator(device).manual_seed(int(torch.randint(2**62, (), generator=rng)))


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch of the crops of all."""
    return Batch(
        torch.cat([batch.clean for batch in batches]),
        torch.cat([batch.noisy for batch in batches]),
        _joined_noise([batch.noise for batch in batches]),
        _joined_noise([batch.told for batch in batches]),
    )


def _joined_noise(noises: Sequence[NoiseModel]) -> NoiseModel:
    return NoiseModel(torch.cat([noise.shot for noise in noises]), torch.cat([noise.read for noise in noises]))

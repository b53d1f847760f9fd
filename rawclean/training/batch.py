"""What one training step learns from."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
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

    @property
    def origin(self) -> str:
        """A digest of the photos, by which a run knows whether it goes on with the same."""
        ...

    def draw(self, count: int, crop: int, rng: torch.Generator) -> Batch:
        """Draw `count` crops of `crop` x `crop` mosaic samples; `rng`, on the CPU, is the only source of chance."""
        ...


def generator_on(device: torch.device, rng: torch.Generator) -> torch.Generator:
    """A source of chance for computing on `device`, seeded by `rng` on the CPU."""
    return torch.Generator(device).manual_seed(int(torch.randint(2**62, (), generator=rng)))


def origin_of(photos: Iterable[Path]) -> str:
    """A digest of the names and sizes of photos, wherever they lie."""
    listed = sorted(f"{path.name} {path.stat().st_size}" for path in photos)
    return hashlib.sha256("\n".join(listed).encode(errors="surrogateescape")).hexdigest()


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

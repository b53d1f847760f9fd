"""What real sensors do beside shot and read noise; each effect can be switched off by a zero.

Fields are drawn anew for every crop, from nothing up to the configured strength.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.noise import NoiseModel

BLACK_SHARE = 1 / 16
"""Black level as a share of the codes, so that quantisation and clipping leave negative noise room."""


@dataclass(frozen=True, slots=True)
class RealismConfig:
    """Strongest effects."""

    quantise_bits: tuple[int, ...] = ()
    """Bit depths to draw from; empty leaves values continuous."""
    row_noise: float = 0.0
    """Standard deviation of an offset per row, as a share of that of the read noise."""
    hot_pixels: float = 0.0
    """Share of the samples with extra signal, up to white."""
    black_offset: float = 0.0
    """Error of the black level, as a share of the standard deviation of the read noise."""
    clip_white: bool = False
    """Whether samples above white are lost."""


def add_realism(noisy: Tensor, noise: NoiseModel, config: RealismConfig, rng: torch.Generator) -> Tensor:
    """Return `noisy` (B, 4, H, W) with the configured effects; fields of `noise` are (B, 4)."""
    read_sigma = noise.read.sqrt()[:, :, None, None]
    if config.row_noise:
        noisy = noisy + row_noise(noisy.shape, rng) * read_sigma * config.row_noise * _strengths(noisy, rng)
    if config.black_offset:
        noisy = noisy + _normal((*noisy.shape[:2], 1, 1), rng) * read_sigma * config.black_offset
    if config.hot_pixels:
        noisy = hot_pixels(noisy, config.hot_pixels * _strengths(noisy, rng), rng)
    if config.quantise_bits:
        noisy = quantise(noisy, config.quantise_bits, rng)
    return noisy.clamp(max=1.0) if config.clip_white else noisy


def row_noise(shape: torch.Size, rng: torch.Generator) -> Tensor:
    """A standard normal offset per row of the mosaic: R and Gr share a row, Gb and B the next; (B, 4, H, 1)."""
    batch, _, height, _ = shape
    rows = _normal((batch, 2, height, 1), rng)
    return rows.repeat_interleave(2, dim=1)


def hot_pixels(noisy: Tensor, rate: Tensor, rng: torch.Generator) -> Tensor:
    """Raise a share `rate` (B, 1, 1, 1) of the samples by a random part of the way to white."""
    hot = torch.rand(noisy.shape, generator=rng, device=rng.device) < rate
    raised = noisy + (1 - noisy).clamp(min=0) * torch.rand(noisy.shape, generator=rng, device=rng.device)
    return torch.where(hot, raised, noisy)


def quantise(noisy: Tensor, bits: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Round to the codes of a depth drawn per crop, with a black level below which codes end."""
    chosen = torch.randint(len(bits), (len(noisy), 1, 1, 1), generator=rng, device=rng.device)
    codes = torch.tensor([2.0**depth - 1 for depth in bits], device=noisy.device)[chosen] * (1 - BLACK_SHARE)
    return ((noisy * codes).round() / codes).clamp(min=-BLACK_SHARE / (1 - BLACK_SHARE))


def _strengths(noisy: Tensor, rng: torch.Generator) -> Tensor:
    """Per crop, how much of an effect there is: (B, 1, 1, 1) in [0, 1]."""
    return torch.rand((len(noisy), 1, 1, 1), generator=rng, device=rng.device)


def _normal(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=rng, device=rng.device)

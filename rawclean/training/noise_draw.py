"""Noise levels to train on: shot log-uniform, read around the line of the DND cameras (Brooks et al. 2019)."""

import math
from dataclasses import dataclass

import torch

from rawclean.core.noise import READ_OFFSET, READ_SLOPE, NoiseModel


@dataclass(frozen=True, slots=True)
class NoiseRangeConfig:
    """Range of shot noise and spread of read noise."""

    shot_min: float = 6e-5
    shot_max: float = 2e-2
    read_spread: float = 0.26
    """Standard deviation of log read around the line."""
    wide_spread: float = 1.0
    """Spread for a quarter of the draws: cameras off the line."""


def draw_noise(count: int, config: NoiseRangeConfig, rng: torch.Generator, device: torch.device) -> NoiseModel:
    """Draw one noise level per crop; fields are (count, 4), equal over the planes."""
    low, high = math.log(config.shot_min), math.log(config.shot_max)
    log_shot = low + (high - low) * torch.rand(count, generator=rng, device=device)
    wide = torch.rand(count, generator=rng, device=device) < 0.25
    spread = torch.where(wide, config.wide_spread, config.read_spread)
    log_read = READ_SLOPE * log_shot + READ_OFFSET
    log_read = log_read + spread * torch.randn(count, generator=rng, device=device)
    return NoiseModel(log_shot.exp()[:, None].expand(-1, 4), log_read.exp()[:, None].expand(-1, 4))

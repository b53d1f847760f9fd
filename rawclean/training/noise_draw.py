"""Noise levels to train on: shot log-uniform, read around the line of the DND cameras (Brooks et al. 2019)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.noise import MID_GREY, READ_OFFSET, READ_SLOPE, NoiseModel
from rawclean.errors import TrainingError

CANDIDATES = 4096
"""Levels drawn, of which those in a range of sigma are kept; enough that a range worth a specialist holds some."""


@dataclass(frozen=True, slots=True)
class NoiseRangeConfig:
    """Range of shot noise and spread of read noise."""

    shot_min: float = 6e-5
    shot_max: float = 2e-2
    read_spread: float = 0.26
    """Standard deviation of log read around the line."""
    wide_spread: float = 1.0
    """Spread for a quarter of the draws: cameras off the line."""
    sigma_min: float = 0.0
    """Least standard deviation at 18 % signal, for a specialist."""
    sigma_max: float = math.inf


def draw_noise(count: int, config: NoiseRangeConfig, rng: torch.Generator, device: torch.device) -> NoiseModel:
    """Draw one noise level per crop; fields are (count, 4), equal over the planes.

    Raises TrainingError where the range of sigma holds none of the noise that the range of shot gives.
    """
    restricted = config.sigma_min > 0 or math.isfinite(config.sigma_max)
    shot, read = _draw(CANDIDATES if restricted else count, config, rng, device)
    if restricted:
        sigma = (shot * MID_GREY + read).sqrt()
        fitting = ((sigma >= config.sigma_min) & (sigma < config.sigma_max)).nonzero()[:, 0]
        if not len(fitting):
            raise TrainingError(
                f"no noise with sigma from {config.sigma_min:g} to {config.sigma_max:g} at 18 % signal has shot noise "
                f"from {config.shot_min:g} to {config.shot_max:g}; widen one of the ranges"
            )
        kept = fitting[torch.arange(count, device=device) % len(fitting)]
        shot, read = shot[kept], read[kept]
    return NoiseModel(shot[:, None].expand(-1, 4), read[:, None].expand(-1, 4))


def _draw(count: int, config: NoiseRangeConfig, rng: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """Shot and read variances, (count,) each."""
    low, high = math.log(config.shot_min), math.log(config.shot_max)
    log_shot = low + (high - low) * torch.rand(count, generator=rng, device=device)
    wide = torch.rand(count, generator=rng, device=device) < 0.25
    spread = torch.where(wide, config.wide_spread, config.read_spread)
    log_read = READ_SLOPE * log_shot + READ_OFFSET
    log_read = log_read + spread * torch.randn(count, generator=rng, device=device)
    return log_shot.exp(), log_read.exp()

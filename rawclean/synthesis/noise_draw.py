"""Noise levels to train on: shot log-uniform, read noise in electrons, as sensors have it.

A gain of `shot` units of signal per electron makes read noise of r electrons the variance (shot * r)^2. Real cameras
have 0.5 to 12 electrons (DND 1.15-4.3, median 2.4; the calibrations of ELD 0.5-11).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.noise import MID_GREY, NoiseModel
from rawclean.errors import TrainingError

CANDIDATES = 4096
"""Levels drawn, of which those in a range of sigma are kept; enough that a range worth a specialist holds some."""
USUAL_ELECTRONS, USUAL_SPREAD, USUAL_SHARE = 1.8, 0.6, 0.7
"""Median read noise and spread of its logarithm for this share of the draws."""
LEAST_ELECTRONS, MOST_ELECTRONS = 0.5, 12.0
"""The rest is log-uniform."""
MAX_READ = 0.01
"""Read variance, a tenth of white, that no draw exceeds."""


@dataclass(frozen=True, slots=True)
class NoiseRangeConfig:
    """Range of the noise to draw."""

    shot_min: float = 3e-5
    shot_max: float = 2e-2
    sigma_min: float = 0.0
    """Least standard deviation at 18 % signal, for a specialist."""
    sigma_max: float = math.inf

    def __post_init__(self) -> None:
        """Raise ValueError where a range is empty."""
        if not 0 < self.shot_min <= self.shot_max < math.inf or not 0 <= self.sigma_min < self.sigma_max:
            raise ValueError("shot_min to shot_max, and sigma_min to sigma_max, must be ranges of noise above zero")


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
    shares = torch.rand(3, count, generator=rng, device=device)
    shot = log_uniform(shares[0], config.shot_min, config.shot_max)
    usual = USUAL_ELECTRONS * (USUAL_SPREAD * torch.randn(count, generator=rng, device=device)).exp()
    wide = log_uniform(shares[1], LEAST_ELECTRONS, MOST_ELECTRONS)
    electrons = torch.where(shares[2] < USUAL_SHARE, usual, wide)
    return shot, (shot * electrons).square().clamp(max=MAX_READ)


def add_noise(clean: Tensor, noise: NoiseModel, rng: torch.Generator) -> Tensor:
    """Return `clean` (..., P, H, W) with sensor noise; shadows may go below zero and highlights above one."""
    normal = torch.randn(clean.shape, generator=rng, device=clean.device)
    variance: Tensor = noise.mapped(lambda values: torch.as_tensor(values, device=clean.device)).variance(clean)
    return clean + normal * variance.sqrt()


def log_uniform(share: Tensor, low: float, high: float) -> Tensor:
    """Values from `low` to `high`, evenly spread in their logarithm over `share` from 0 to 1."""
    return low * torch.exp(share * math.log(high / low))

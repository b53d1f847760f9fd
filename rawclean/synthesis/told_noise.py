"""The noise that a network is told, apart from the noise that is there: tags, profiles and estimates are never exact.

The logarithm of a told standard deviation is off by a normal error, small for most crops and wide for the rest, so that
the network trusts what it is told only until the photo contradicts it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.noise import NoiseModel
from rawclean.core.rules import check_rules
from rawclean.synthesis.shares import check_shares

MOST_SPREAD = 3.0
"""Twenty times too much or too little for a third of the crops: nobody is told less."""


@dataclass(frozen=True, slots=True)
class ToldConfig:
    """Spreads of the log of a told sigma; all zero tells the truth."""

    near: float = 0.0
    wide: float = 0.0
    far: float = 0.0
    wide_share: float = 0.4
    far_share: float = 0.1
    read: float = 0.0
    """Further spread for the read noise."""

    def __post_init__(self) -> None:
        """Raise ValueError where a share lies outside 0 to 1, or a spread is none."""
        check_shares(wide_share=self.wide_share, far_share=self.far_share)
        spreads = {name: getattr(self, name) for name in ("near", "wide", "far", "read")}
        check_rules(
            *((f"{name} is between 0 and {MOST_SPREAD:g}", 0 <= s <= MOST_SPREAD) for name, s in spreads.items())
        )


def tell_noise(noise: NoiseModel, config: ToldConfig, rng: torch.Generator) -> NoiseModel:
    """`noise` (B, planes) as it is told, equally wrong in all planes of a crop."""
    count, device = len(noise.shot), noise.shot.device
    kind = torch.rand(count, generator=rng, device=device)
    spread = torch.where(kind < config.wide_share, config.wide, config.near)
    spread = torch.where(kind > 1 - config.far_share, config.far, spread)
    common = spread * torch.randn(count, generator=rng, device=device)
    further = config.read * torch.randn(count, generator=rng, device=device)
    return NoiseModel(noise.shot * _variance_factor(common), noise.read * _variance_factor(common + further))


def _variance_factor(log_sigma: Tensor) -> Tensor:
    return (2 * log_sigma).exp()[:, None]

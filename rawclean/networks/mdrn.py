"""MDRN: progressive degradation and reconstruction (after Li et al. 2022, arXiv 2204.13873).

The paper's code is not public; this is a reconstruction from its abstract. In a block the features are degraded, by
convolutions of stride two, and reconstructed from it, by pixel-shuffles, several times and ever deeper; each time it is
what the last reconstruction has missed. All reconstructions make one change of the features. Attention to channels goes
by means over small cells, never over the whole input, so that tiles agree.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import LOCAL_MEAN
from rawclean.core.rules import check_rules
from rawclean.networks.contract import Network, Onward, latest
from rawclean.networks.guides import guide_channels
from rawclean.networks.reach import Path, Resampling, Step

SMALL = 0.02
"""Share of the usual weights that start where the noisy input is seen, whose values are hundreds at little noise."""
OPEN = 3.0
"""Bias that attention starts with, close to one: at a half it slows training. Both, and the ReLU behind a block: the
logarithm of the relative error is -0.89 after 300 steps of four crops, and -0.41 without."""


@dataclass(frozen=True, slots=True)
class MdrnConfig:
    """Shape of an MDRN; the defaults cost what the student does."""

    width: int = 16
    """Channels at the resolution of the planes."""
    degraded_width: int = 32
    """Channels below it."""
    depths: tuple[int, ...] = (1, 2, 3)
    """How many times each degradation of a block halves the features."""
    blocks: int = 2
    convolutions: int = 1
    """3x3 convolutions of what is degraded."""
    mosaic: CfaFamily = CfaFamily.BAYER
    """What the planes are packed from."""

    def __post_init__(self) -> None:
        """Raise ValueError where a value can be none of a network."""
        check_rules(
            ("depths are at least 1, for one degradation or more", min(self.depths, default=0) > 0),
            ("width and degraded_width are at least 1", min(self.width, self.degraded_width) > 0),
            ("blocks is at least 1", self.blocks > 0),
            ("convolutions is at least 0", self.convolutions >= 0),
        )


class Reconstruction(nn.Module):
    """Features (B, C, H, W), degraded to H / 2^depth, where the noisy input of that size is seen too, and back."""

    def __init__(self, config: MdrnConfig, depth: int) -> None:
        super().__init__()
        self.depth = depth
        inner = config.degraded_width
        widths = [config.width, *[inner] * depth]
        self.downs = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths))
        self.look = nn.Conv2d(guide_channels(config.mosaic), inner, 1)
        self.convolutions = nn.ModuleList(nn.Conv2d(inner, inner, 3, padding=1) for _ in range(config.convolutions))
        self.ups = nn.ModuleList(nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in reversed(list(pairwise(widths))))
        with torch.no_grad():
            self.look.weight.mul_(SMALL)

    def forward(self, features: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        """The reconstruction, and the degraded features that it is made of."""
        for down in list(self.downs)[:-1]:
            features = functional.relu(down(features))
        degraded = functional.relu(self.downs[-1](features) + self.look(guide))
        for convolution in self.convolutions:
            degraded = functional.relu(convolution(degraded))
        features = functional.pixel_shuffle(self.ups[0](degraded), 2)
        for up in list(self.ups)[1:]:
            features = functional.pixel_shuffle(up(functional.relu(features)), 2)
        return features, degraded


class LocalAttention(nn.Module):
    """Weighs channels by their means over cells of `cell` x `cell` on the grid of the coarsest scale."""

    def __init__(self, channels: int, cell: int) -> None:
        super().__init__()
        self.cell = cell
        self.squeeze = nn.Conv2d(channels, channels // 2, 1)
        self.excite = nn.Conv2d(channels // 2, channels, 1)
        assert self.excite.bias is not None
        nn.init.constant_(self.excite.bias, OPEN)

    def forward(self, features: Tensor) -> Tensor:
        means = functional.avg_pool2d(features, self.cell)
        weights = self.excite(functional.relu(self.squeeze(means))).sigmoid()
        return features * functional.interpolate(weights, scale_factor=float(self.cell), mode="nearest")


class DegradationBlock(nn.Module):
    """Reconstructions one after the other, fused to one change of the features."""

    def __init__(self, config: MdrnConfig) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Reconstruction(config, depth) for depth in config.depths)
        self.fuse = nn.Conv2d(len(config.depths) * config.width, config.width, 1)
        self.attention = LocalAttention(config.width, 2 ** max(config.depths))

    def forward(self, features: Tensor, guides: list[Tensor]) -> tuple[Tensor, dict[int, Tensor]]:
        """The features with the change, and what was degraded, by depth."""
        missed, reconstructions, degraded = features, [], {}
        for step in self.steps:
            assert isinstance(step, Reconstruction)
            reconstruction, degraded[step.depth] = step(missed, guides[step.depth])
            reconstructions.append(reconstruction)
            missed = features - reconstruction
        change = self.attention(self.fuse(torch.cat(reconstructions, dim=1)))
        return functional.relu(features + change), degraded


class Mdrn(Network):
    """The network; see the module docstring and `MdrnConfig`."""

    def __init__(self, config: MdrnConfig) -> None:
        super().__init__()
        self.config = config
        self.mosaic = config.mosaic
        self.head = nn.Conv2d(guide_channels(self.mosaic), config.width, 3, padding=1)
        self.blocks = nn.ModuleList(DegradationBlock(config) for _ in range(config.blocks))
        self.tail = nn.Conv2d(config.width, self.mosaic.planes, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def multiple_of(self) -> int:
        return int(2 ** max(self.config.depths))

    @property
    def paths(self) -> list[Path]:
        path: list[Step] = [LOCAL_MEAN // 2, 1]
        for _ in self.blocks:
            for depth in self.config.depths:
                path += [*[Resampling.HALVE] * depth, self.config.convolutions, *[Resampling.DOUBLE] * depth]
            cell = max(self.config.depths)  # of the attention
            path += [*[Resampling.HALVE] * cell, *[Resampling.DOUBLE] * cell]
        return [[*path, 1]]

    @property
    def scales(self) -> int:
        return 1 + max(self.config.depths)

    def stages(self, guides: list[Tensor], onward: Onward = latest) -> list[list[Tensor]]:
        """As the contract says; what was degraded goes on to no other scale, so `onward` is not asked about it."""
        features = functional.relu(self.head(guides[0]))
        stages: dict[int, list[Tensor]] = {0: [features]}
        for block in self.blocks:
            features, degraded = block(features, guides)
            stages[0].append(features)
            for depth, seen in degraded.items():
                stages.setdefault(depth, []).append(seen)
        return [stages[depth] for depth in sorted(stages, reverse=True)]

    def noise_of(self, features: Tensor) -> Tensor:
        noise: Tensor = self.tail(features)
        return noise

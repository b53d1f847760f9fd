"""What every denoising network promises, and what it costs."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rawclean.core.cfa_family import CfaFamily
from rawclean.networks.guides import noise_guides
from rawclean.networks.reach import Path, farthest, halo

PROBE_SIDE = 128
"""Side of the planes on which multiply-adds are counted; a multiple of every network's `multiple_of`."""


Onward = Callable[[int, Sequence[Tensor]], Tensor]
"""What goes on to the next finer scale from the stage of this place, coarsest 0, by its outputs."""


def latest(place: int, outputs: Sequence[Tensor]) -> Tensor:
    """What goes on by itself."""
    return outputs[-1]


class Network(nn.Module):
    """Predicts the noise of packed planes in units of sigma; no statistic over the whole input, so tiles agree."""

    config: Any
    """The frozen dataclass that the network was made of."""
    mosaic: CfaFamily = CfaFamily.BAYER
    """What the planes are packed from."""

    @property
    @abstractmethod
    def multiple_of(self) -> int:
        """Height and width of the planes must be a multiple of this."""

    @property
    @abstractmethod
    def paths(self) -> list[Path]:
        """The ways from input to output that look farthest (`reach`)."""

    @property
    def receptive_field(self) -> int:
        """Farthest plane sample, in rows or columns, that an output sample depends on."""
        return max(farthest(path, self.multiple_of) for path in self.paths)

    @property
    def halo(self) -> int:
        """Farthest plane sample beyond a tile of whole `multiple_of` that it depends on."""
        return max(halo(path, self.multiple_of) for path in self.paths)

    @property
    @abstractmethod
    def scales(self) -> int:
        """How many guides it takes, each half the size of the one before."""

    @abstractmethod
    def stages(self, guides: list[Tensor], onward: Onward = latest) -> list[list[Tensor]]:
        """What is found out at every scale, coarsest first: (B, C, H / 2^s, W / 2^s) after each of its blocks."""

    @abstractmethod
    def noise_of(self, features: Tensor) -> Tensor:
        """The noise (B, planes, H, W) in units of sigma by the features of the last stage."""

    def from_guides(self, guides: list[Tensor]) -> Tensor:
        """Predict the noise (B, planes, H, W) in units of sigma from `noise_guides`, finest first."""
        return self.noise_of(self.stages(guides)[-1][-1])

    def features(self, planes: Tensor, sigma_map: Tensor) -> list[Tensor]:
        """The last of every scale, coarsest first; both inputs are (B, planes, H, W), linear."""
        return [stage[-1] for stage in self.stages(noise_guides(planes, sigma_map, self.scales, self.mosaic))]

    def published(self) -> "Network":
        """The plainest network of the same function, for the product: without what only training needs."""
        return self

    def forward(self, planes: Tensor, sigma_map: Tensor) -> Tensor:
        """Predict the noise of `planes` in units of `sigma_map`; all are (B, planes, H, W), linear units.

        H and W are multiples of `multiple_of`, sigma is positive.
        """
        return self.from_guides(noise_guides(planes, sigma_map, self.scales, self.mosaic))


def count_parameters(network: nn.Module) -> int:
    """Number of learned values."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_gmac_per_megapixel(network: Network) -> float:
    """Multiply-adds of all convolutions for one megapixel of mosaic, in 1e9."""
    total = 0

    def add(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += output.numel() * layer.weight[0].numel()

    hooks = [layer.register_forward_hook(add) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    probe = torch.ones(1, network.mosaic.planes, PROBE_SIDE, PROBE_SIDE)
    with torch.inference_mode():
        network(probe, probe)
    for hook in hooks:
        hook.remove()
    return total / (network.mosaic.planes * PROBE_SIDE**2 / 1e6) / 1e9

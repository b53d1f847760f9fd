"""The block that plain denoising networks are made of."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rawclean.networks.channel_gates import gated
from rawclean.networks.kernel_regulation import RegulatedConv

SMALL = 0.1
"""Share of the usual weights that the last convolution of a block starts with."""


class ResidualBlock(nn.Module):
    """Two convolutions around one ReLU, added to their input."""

    def __init__(self, channels: int, kernel: int = 3, *, regulated: bool = False) -> None:
        super().__init__()
        self.first = _convolution(channels, kernel, regulated=regulated)
        self.second = _convolution(channels, kernel, regulated=regulated)
        with torch.no_grad():
            for name, weight in self.second.named_parameters():
                weight.mul_(0.0 if name.endswith("bias") else SMALL)

    def forward(self, features: Tensor, gate: Tensor | None = None) -> Tensor:
        """Features of the same shape; the `gate` (C, 1, 1) is that of these and of the hidden channels."""
        hidden = gated(functional.relu(self.first(features)), gate)
        return features + gated(self.second(hidden), gate)

    def fuse(self) -> None:
        """Make plain convolutions of those that are trained as several."""
        for name in ("first", "second"):
            layer = getattr(self, name)
            if isinstance(layer, RegulatedConv):
                setattr(self, name, layer.fused())


def residual_blocks(channels: int, count: int, kernel: int = 3, *, regulated: bool = False) -> nn.Sequential:
    """Blocks in a row."""
    return nn.Sequential(*(ResidualBlock(channels, kernel, regulated=regulated) for _ in range(count)))


def _convolution(channels: int, kernel: int, *, regulated: bool) -> nn.Module:
    if regulated:
        return RegulatedConv(channels, kernel)
    return nn.Conv2d(channels, channels, kernel, padding=kernel // 2)

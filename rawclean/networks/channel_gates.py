"""Channels that a network learns to do without: gates with a cost, then pruning (MoD-NAS in small).

A gate is open or closed, for all groups of eight channels but the first, since convolutions of odd widths are slow. A
closed gate makes its channels zero wherever they are read, so that they can be cut off and nothing changes. Gradients
pass as if a gate were the sigmoid of its logit (straight-through).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

GROUP = 8
"""Channels of one gate."""
OPEN = 2.0
"""Logit that gates start at."""


class ChannelGates(nn.Module):
    """The gates of the channels of one scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.logits = nn.Parameter(torch.full((max(0, -(-channels // GROUP) - 1),), OPEN))

    def forward(self) -> Tensor:
        """(C, 1, 1), one for an open channel and zero for a closed one; the first group is open always."""
        soft = self.logits.sigmoid()
        hard = (self.logits > 0).to(soft) + soft - soft.detach()
        return torch.cat([hard.new_ones(1), hard]).repeat_interleave(GROUP)[: self.channels, None, None]

    def kept(self) -> Tensor:
        """Indices of the open channels."""
        return self.forward().detach().flatten().nonzero().flatten()


def gated(features: Tensor, gate: Tensor | None) -> Tensor:
    """Features (B, C, H, W) with the channels of closed gates at zero; None is no gate."""
    return features if gate is None else features * gate


@dataclass(frozen=True, slots=True)
class ScaledLayer:
    """A convolution between scales whose channels may be gated; None is what no gate is about: planes and guides."""

    layer: nn.Conv2d
    resolution: int
    """It computes at 2^-resolution of the finest."""
    takes: int | None
    gives: int | None

    def cost(self, gates: Sequence[ChannelGates]) -> tuple[Tensor, int]:
        """Relative multiply-adds with closed gates, and with all open."""
        area = float(self.layer.weight[0, 0].numel()) / 4**self.resolution
        whole = area * self.layer.in_channels * self.layer.out_channels
        given, taken = (
            channels if scale is None else gates[scale]().sum()
            for scale, channels in ((self.gives, self.layer.out_channels), (self.takes, self.layer.in_channels))
        )
        return torch.as_tensor(area * given * taken), whole

    @torch.no_grad()
    def prune(self, kept: Sequence[Tensor]) -> None:
        """Keep those channels of each scale alone."""
        layer = self.layer
        weight, bias = layer.weight, layer.bias
        assert bias is not None
        if self.gives is not None:
            weight, bias = weight[kept[self.gives]], bias[kept[self.gives]]
        if self.takes is not None:
            weight = weight[:, kept[self.takes]]
        layer.weight, layer.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())


def relative_cost(layers: Iterable[ScaledLayer], gates: Sequence[ChannelGates]) -> Tensor:
    """Multiply-adds with the gates as they are over those with all open, from 0 to 1; gradients reach the logits."""
    costs = [each.cost(gates) for each in layers]
    return torch.stack([cost for cost, _ in costs]).sum() / sum(whole for _, whole in costs)

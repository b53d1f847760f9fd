"""A trained network that is made larger and still computes the same (Net2Net, Chen et al. 2016, arXiv 1511.05641).

What is added begins without effect and learns from there: a block adds zero to its input, a channel is read with zero
weight, a gate is open.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rawclean.core.typed import plain
from rawclean.networks import Network, build_network
from rawclean.networks.fan import Fan, FanConfig
from rawclean.networks.residual_block import ResidualBlock

GROWS = ("widths", "encoder_blocks", "decoder_blocks", "align_hidden", "gates")
"""Fields of a config in which the larger network may differ; the number of scales stays."""


@torch.no_grad()
def grown(network: Network, config: FanConfig) -> Fan:
    """A network of this larger config with the function of `network`.

    Raises ValueError where the config is smaller somewhere, or differs in more than what can be added, and for another
    network than a fan.
    """
    if not isinstance(network, Fan):
        raise ValueError("only a fan can grow")
    _check(network.config, config)
    larger = build_network("fan", plain(config))
    assert isinstance(larger, Fan)
    for module in larger.modules():
        if isinstance(module, ResidualBlock):
            for parameter in module.second.parameters():
                parameter.zero_()
    learned = network.state_dict()
    for name, value in larger.state_dict().items():
        if name in learned:
            _plant(learned[name], value)
    return larger


def _check(config: FanConfig, larger: FanConfig) -> None:
    kept: Mapping[str, Any] = {name: getattr(config, name) for name in GROWS}
    if replace(larger, **kept) != config:
        raise ValueError(f"a network can grow in {', '.join(GROWS)} only")
    for name in ("widths", "encoder_blocks", "decoder_blocks"):
        old, new = getattr(config, name), getattr(larger, name)
        if len(old) != len(new):
            raise ValueError(f"{name} are {len(new)}; the number of scales, {len(old)}, stays")
        if any(wanted < had for had, wanted in zip(old, new, strict=True)):
            raise ValueError(f"{name} is smaller than what the network has")
    if larger.align_hidden < config.align_hidden or larger.gates < config.gates:
        raise ValueError("a network can only grow")


def _plant(learned: Tensor, larger: Tensor) -> None:
    """Put learned values first in a larger parameter; what has learned does not see what is added."""
    places = tuple(map(slice, learned.shape))
    larger[places[0]] = 0.0
    larger[places] = learned

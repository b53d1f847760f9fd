"""Networks by name: adding one is a file and a line here."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch

from rawclean.networks.contract import Network
from rawclean.networks.fan import Fan, FanConfig
from rawclean.networks.teacher import Teacher, TeacherConfig

NETWORKS: dict[str, tuple[Callable[..., Any], Callable[[Any], Network]]] = {
    "fan": (FanConfig, Fan),
    "teacher": (TeacherConfig, Teacher),
}
"""Name to (frozen config, network made of it)."""


def build_network(name: str, fields: Mapping[str, Any]) -> Network:
    """Make a network from the fields of its config that differ from the defaults; JSON's lists become tuples.

    Raises KeyError for an unknown name, TypeError for an unknown field.
    """
    config_type, network_type = NETWORKS[name]
    config = config_type(**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})
    network = network_type(config)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def config_fields(network: Network) -> dict[str, Any]:
    """The config that a network was made of, for `build_network`."""
    return dataclasses.asdict(network.config)


__all__ = ["NETWORKS", "Network", "build_network", "config_fields"]

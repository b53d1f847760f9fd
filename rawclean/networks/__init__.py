"""Networks by name: adding one is a file and a line here."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from rawclean.core.typed import plain, structured
from rawclean.networks.contract import Network
from rawclean.networks.fan import Fan, FanConfig
from rawclean.networks.mdrn import Mdrn, MdrnConfig
from rawclean.networks.teacher import Teacher, TeacherConfig

NETWORKS: dict[str, tuple[type[Any], Callable[[Any], Network]]] = {
    "fan": (FanConfig, Fan),
    "mdrn": (MdrnConfig, Mdrn),
    "teacher": (TeacherConfig, Teacher),
}
"""Name to (frozen config, network made of it)."""


def network_config(name: str, fields: Mapping[str, Any]) -> Any:
    """The config of a network from those of its fields that differ from the defaults, as files hold them.

    Raises ValueError, with the place, for an unknown name or field and for a value of another type.
    """
    if name not in NETWORKS:
        raise ValueError(f"unknown network {name!r}; known: {', '.join(NETWORKS)}")
    config_type, _ = NETWORKS[name]
    return structured(fields, config_type)


def build_network(name: str, fields: Mapping[str, Any]) -> Network:
    """Make a network from its `network_config`; raises as that does."""
    config = network_config(name, fields)
    _, network_type = NETWORKS[name]
    network = network_type(config)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def network_name(network: Network) -> str:
    """The name that a network has in the table."""
    return next(name for name, (_, network_type) in NETWORKS.items() if type(network) is network_type)


def config_fields(network: Network) -> dict[str, Any]:
    """The config that a network was made of, for `build_network`, as files hold it."""
    fields: dict[str, Any] = plain(network.config)
    return fields


__all__ = ["NETWORKS", "Network", "build_network", "config_fields", "network_config", "network_name"]

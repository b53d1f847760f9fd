"""Weights on disk: safetensors with the network's name and config in the header; no pickle."""

import json
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from rawclean.errors import ModelError
from rawclean.io.atomic import make_folder, write_atomically
from rawclean.models.cards import ModelCard
from rawclean.models.files import check_weights
from rawclean.networks import Network, build_network, config_fields

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


def save_weights(path: Path, name: str, network: Network) -> None:
    """Write the learned values of `network`, with its `name` in NETWORKS and its config in the header.

    Raises OutputError where the file cannot be written.
    """
    header = {"network": name, "config": json.dumps(config_fields(network))}
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    write_atomically(path, [save(state, metadata=header)])


def save_instrument(path: Path, instrument: nn.Module) -> None:
    """Write the learned values of what looks at a photo before it is denoised."""
    make_folder(path.parent)
    write_atomically(path, [save(instrument.state_dict())])


def load_network(path: Path, sha256: str | None = None) -> Network:
    """Read weights into a ready network in evaluation mode, float32, on the CPU.

    Raises ModelError where the file is missing, damaged, of an unknown network, not finite, or not the one with
    `sha256`.
    """
    check_weights(path, sha256)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
        network = build_network(header["network"], json.loads(header["config"]))
        network.load_state_dict({name: value.float() for name, value in state.items()})
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{path}: not a rawclean weight file ({error})") from error
    return ready(network, path)


def load_model(card: ModelCard) -> Network:
    """The network of a card, checked against its sha256; raises ModelError."""
    return load_network(card.path, card.sha256)


def ready(network: AnyNetwork, path: Path) -> AnyNetwork:
    """A network with the weights of `path`, in evaluation mode; raises ModelError where they are not finite."""
    if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
        raise ModelError(f"{path}: some of its weights are not finite numbers; train or download it again")
    return network.eval()

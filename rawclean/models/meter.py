"""The weights of the noise meter on disk."""

from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from rawclean.errors import ModelError
from rawclean.models.manifest import shipped_weights
from rawclean.networks.noise_meter import NoiseMeter

FILE = "noise-meter.safetensors"


def save_meter(path: Path, meter: NoiseMeter) -> None:
    """Write the learned values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(meter.state_dict(), path)


def load_meter(path: Path) -> NoiseMeter:
    """Read a meter, ready to use; raises ModelError where the file is missing or of another network."""
    meter = NoiseMeter()
    try:
        meter.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelError(f"{path}: not the weights of a noise meter ({error}); reinstall rawclean") from error
    return meter.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@lru_cache(maxsize=1)
def shipped_meter() -> NoiseMeter:
    """The meter that comes with rawclean; raises as `load_meter`."""
    return load_meter(shipped_weights() / FILE)

"""The weights of the small networks that look at a photo before it is denoised."""

from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from rawclean.errors import ModelError
from rawclean.models.manifest import shipped_weights
from rawclean.models.weights import ready
from rawclean.networks.noise_meter import NoiseMeter
from rawclean.networks.site_judge import SiteJudge

METER, JUDGE = "noise-meter.safetensors", "site-judge.safetensors"

Instrument = TypeVar("Instrument", NoiseMeter, SiteJudge)


def save_instrument(path: Path, instrument: NoiseMeter | SiteJudge) -> None:
    """Write the learned values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(instrument.state_dict(), path)


def load_instrument(path: Path, kind: type[Instrument]) -> Instrument:
    """Read an instrument, ready to use.

    Raises ModelError where the file is missing, of another network, or not finite.
    """
    instrument = kind()
    try:
        instrument.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelError(f"{path}: not the weights of a {kind.__name__} ({error}); reinstall rawclean") from error
    return ready(instrument, path).requires_grad_(False)


@lru_cache(maxsize=1)
def shipped_meter() -> NoiseMeter:
    """The meter that comes with rawclean; raises as `load_instrument`."""
    meter = load_instrument(shipped_weights() / METER, NoiseMeter)
    return meter.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@lru_cache(maxsize=1)
def shipped_judge() -> SiteJudge:
    """The judge that comes with rawclean; raises as `load_instrument`."""
    return load_instrument(shipped_weights() / JUDGE, SiteJudge)

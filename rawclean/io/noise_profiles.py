"""Noise of known cameras by ISO: measured profiles that ship with rawclean, and a user's own.

A profile file is JSON: camera name to ISO to [shot, read] on the linear signal in [0, 1].
"""

import json
import math
import os
from importlib import resources
from itertools import pairwise
from pathlib import Path

import platformdirs

from rawclean.core.frame import Camera
from rawclean.core.noise import NoiseModel
from rawclean.errors import InvalidNoiseError

MAX_EXTRAPOLATION = 2.0
"""Factor in ISO beyond the measured ones up to which shot ~ ISO and read ~ ISO^2 are trusted."""
SPEC_SHOT, SPEC_READ = 2e-5, 4.5e-7
"""Noise at ISO 100 of a camera with BaselineNoise 1 (DNG specification 1.7.1, NoiseProfile)."""


def profile_noise(camera: Camera, iso: float) -> NoiseModel | None:
    """The measured noise of a camera at an ISO, interpolated between its measurements; None where unknown.

    Raises InvalidNoiseError where the user's profile file is damaged.
    """
    measured = sorted(_profiles().get(str(camera), {}).items())
    if not measured or not measured[0][0] / MAX_EXTRAPOLATION <= iso <= measured[-1][0] * MAX_EXTRAPOLATION:
        return None
    for (low_iso, low), (high_iso, high) in pairwise(measured):
        if low_iso <= iso <= high_iso:
            share = math.log(iso / low_iso) / math.log(high_iso / low_iso)
            shot, read = (a ** (1 - share) * b**share for a, b in zip(low, high, strict=True))
            return NoiseModel.uniform(shot, read)
    nearest_iso, (shot, read) = measured[0] if iso < measured[0][0] else measured[-1]
    gain = iso / nearest_iso
    return NoiseModel.uniform(shot * gain, read * gain**2)


def typical_noise(iso: float) -> NoiseModel:
    """The noise of the DNG specification's typical camera; raises InvalidNoiseError for an absurd ISO."""
    if not 1 <= iso <= 10_000_000:
        raise InvalidNoiseError(f"ISO {iso:g} is no sensitivity of a camera; give --iso between 1 and 10000000")
    gain = iso / 100
    return NoiseModel.uniform(min(SPEC_SHOT * gain, 1.0), min(SPEC_READ * gain**2, 1.0))


def user_profiles() -> Path:
    """Where a user keeps own profiles."""
    return platformdirs.user_config_path("rawclean") / "noise_profiles.json"


def _profiles() -> dict[str, dict[float, tuple[float, float]]]:
    texts = [resources.files("rawclean.io").joinpath("noise_profiles.json").read_text(encoding="utf-8")]
    if os.path.isfile(user_profiles()):  # noqa: PTH113 (false, not an error, in a closed home)
        texts.append(user_profiles().read_text(encoding="utf-8"))
    cameras: dict[str, dict[float, tuple[float, float]]] = {}
    try:
        for text in texts:
            for camera, by_iso in json.loads(text).items():
                cameras[camera] = {float(iso): (float(shot), float(read)) for iso, (shot, read) in by_iso.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidNoiseError(f"{user_profiles()}: not a noise profile file ({error}); mend or remove it") from error
    return cameras

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
from rawclean.core.limits import MAX_ISO, MAX_VARIANCE
from rawclean.core.noise import NoiseModel
from rawclean.core.printable import printable
from rawclean.errors import InvalidNoiseError, OutputError
from rawclean.io.atomic import make_folder, write_atomically

MAX_EXTRAPOLATION = 2.0
"""Factor in ISO beyond the measured ones up to which shot ~ ISO and read ~ ISO^2 are trusted."""
SPEC_SHOT, SPEC_READ = 2e-5, 4.5e-7
"""Noise at ISO 100 of a camera with BaselineNoise 1 (DNG specification 1.7.1, NoiseProfile)."""

Profiles = dict[str, dict[float, tuple[float, float]]]
"""Camera to ISO to shot and read variance."""


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
    return NoiseModel.uniform(min(shot * gain, MAX_VARIANCE), min(read * gain**2, MAX_VARIANCE))


def typical_noise(iso: float) -> NoiseModel:
    """The noise of the DNG specification's typical camera; raises InvalidNoiseError for an absurd ISO."""
    check_iso(iso)
    gain = iso / 100
    return NoiseModel.uniform(min(SPEC_SHOT * gain, MAX_VARIANCE), min(SPEC_READ * gain**2, MAX_VARIANCE))


def typical_iso(shot: float) -> float | None:
    """The ISO at which the typical camera has this shot noise; None where that is no ISO."""
    iso = round(100 * shot / SPEC_SHOT)
    return iso if 1 <= iso <= MAX_ISO else None


def check_iso(iso: float) -> None:
    """Raise InvalidNoiseError for an ISO that no camera has."""
    if not 1 <= iso <= MAX_ISO:
        raise InvalidNoiseError(f"ISO {iso:g} is no sensitivity of a camera; give --iso between 1 and {MAX_ISO}")


def user_profiles() -> Path:
    """Where a user keeps own profiles."""
    return platformdirs.user_config_path("rawclean") / "noise_profiles.json"


def check_own_profiles() -> int:
    """How many cameras the user has profiles of; raises InvalidNoiseError where the file is damaged."""
    return len(_own_profiles())


def check_new_profile(camera: Camera, iso: float, *, overwrite: bool) -> None:
    """Raise OutputError where the user has a profile of this camera and ISO that may not be overwritten."""
    if not overwrite and iso in _own_profiles().get(str(camera), {}):
        raise OutputError(
            f"{user_profiles()}: has a profile of {printable(str(camera))} at ISO {iso:g} already; use --overwrite to "
            "replace it"
        )


def add_profile(camera: Camera, iso: float, pair: tuple[float, float], *, overwrite: bool) -> Path:
    """Add shot and read variance of a camera at an ISO to the user's profiles; return the file.

    All else in the file stays; four digits are kept, far beyond what can be measured. Raises OutputError where there is
    a profile already or the file cannot be written, and InvalidNoiseError where the values, or what is in the file, are
    no noise; then the file stays as it was.
    """
    path = user_profiles()
    check_iso(iso)
    _check_pair(path, str(camera), iso, pair)
    check_new_profile(camera, iso, overwrite=overwrite)
    profiles = _own_profiles()
    profiles.setdefault(str(camera), {})[iso] = (float(f"{pair[0]:.4g}"), float(f"{pair[1]:.4g}"))
    make_folder(path.parent)
    write_atomically(path.resolve(), [_to_json(profiles).encode()])  # a link stays one
    return path


def _profiles() -> Profiles:
    """Those that ship with rawclean, and the user's, which go before them."""
    shipped = resources.files("rawclean.io").joinpath("noise_profiles.json")
    cameras = _parse(shipped.read_text(encoding="utf-8"), Path(shipped.name))
    for camera, by_iso in _own_profiles().items():
        cameras[camera] = cameras.get(camera, {}) | by_iso
    return cameras


def _own_profiles() -> Profiles:
    path = user_profiles()
    if not os.path.isfile(path):  # noqa: PTH113 (false, not an error, in a closed home)
        return {}
    try:
        return _parse(path.read_text(encoding="utf-8-sig"), path)  # editors of Windows write a mark
    except OSError as error:
        raise InvalidNoiseError(f"{path}: cannot be read ({error.strerror or error}); mend or remove it") from error
    except UnicodeDecodeError as error:
        raise InvalidNoiseError(f"{path}: not a noise profile file (no UTF-8 text); mend or remove it") from error


def _parse(text: str, path: Path) -> Profiles:
    """The profiles that a file holds; raises InvalidNoiseError, naming the entry, where they are none."""
    try:
        cameras = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidNoiseError(f"{path}: not a noise profile file (no JSON{where}); mend or remove it") from error
    if not isinstance(cameras, dict):
        raise InvalidNoiseError(f"{path}: not a noise profile file (no table of cameras); mend or remove it")
    return {camera: _parse_camera(path, camera, by_iso) for camera, by_iso in cameras.items()}


def _parse_camera(path: Path, camera: str, by_iso: object) -> dict[float, tuple[float, float]]:
    """One entry of a profile file; raises InvalidNoiseError."""
    if not isinstance(by_iso, dict):
        raise InvalidNoiseError(
            f'{path}: the entry of {camera!r} is no table of ISOs like {{"100": [1e-4, 1e-7]}}; mend or remove it'
        )
    parsed = {}
    for key, pair in by_iso.items():
        iso = _number(key)
        if iso is None or not 1 <= iso <= MAX_ISO:
            raise InvalidNoiseError(f"{path}: {camera!r} has a profile of ISO {key}, which is none; mend or remove it")
        values = [_number(value) for value in pair] if isinstance(pair, list) else []
        if len(values) != 2 or values[0] is None or values[1] is None:
            raise InvalidNoiseError(
                f"{path}: the profile of {camera!r} at ISO {key} is not two numbers [shot, read]; mend or remove it"
            )
        parsed[iso] = (values[0], values[1])
        _check_pair(path, camera, iso, parsed[iso])
    return parsed


def _number(value: object) -> float | None:
    """What JSON has as a number, or as a text of one; None for all else."""
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def _check_pair(path: Path, camera: str, iso: float, pair: tuple[float, float]) -> None:
    """Raise InvalidNoiseError where shot and read at an ISO are those of no sensor."""
    shot, read = pair
    if not 0 < shot <= MAX_VARIANCE or not 0 <= read <= MAX_VARIANCE:
        raise InvalidNoiseError(
            f"{path}: the profile of {camera!r} at ISO {iso:g} is absurd: shot {shot:g}, read {read:g}; shot must be "
            f"above 0, read not below, and both at most {MAX_VARIANCE:g}; mend or remove it"
        )


def _to_json(profiles: Profiles) -> str:
    """One line for each ISO."""
    cameras = []
    for camera, by_iso in sorted(profiles.items()):
        lines = [f'    "{iso:.9g}": [{shot!r}, {read!r}]' for iso, (shot, read) in sorted(by_iso.items())]
        cameras.append(f"  {json.dumps(camera, ensure_ascii=False)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(cameras) + "\n}\n"

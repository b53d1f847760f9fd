"""Shots of one still scene, file by file, to the profile of their camera at their ISO."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawclean.core.calibration import Calibration, calibrate
from rawclean.core.frame import Camera
from rawclean.core.layout import Layout, PlainLayout, independent_planes
from rawclean.core.levels import Levels
from rawclean.core.noise_line import NoiseLine
from rawclean.core.printable import printable
from rawclean.errors import CalibrationError, naming
from rawclean.evaluation.exposed import check_exposed
from rawclean.io.noise_profiles import add_profile, check_iso, check_new_profile
from rawclean.io.raw import read_raw
from rawclean.io.raw_photo import RawPhoto

DIFFERENT, MISFIT = 1.1, 1.5
"""Factor between the shot noise of two planes, and scatter about the line, from which on a warning is given."""


@dataclass(frozen=True, slots=True)
class CalibrateSettings:
    """What to do with the profile."""

    iso: float | None = None
    """Instead of what the files say."""
    dry_run: bool = False
    """Measure only."""
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """The profile of a camera, and how it was found."""

    camera: str
    iso: float
    shots: int
    shot: float
    read: float
    calibration: Calibration
    codes_per_electron: float
    """Sensor units that one electron makes."""
    read_electrons: float
    """Standard deviation of the read noise."""
    full_scale_electrons: float
    """Electrons between black and white."""
    warnings: tuple[str, ...]
    written: Path | None


@dataclass(frozen=True, slots=True)
class _Shot:
    """What is kept of a photo."""

    path: Path
    camera: Camera
    iso: float | None
    layout: Layout
    size: tuple[int, ...]
    levels: Levels
    planes: np.ndarray
    """(4, H, W), linear."""
    digest: bytes
    """Of the samples."""


def calibrate_files(paths: Sequence[Path], settings: CalibrateSettings) -> CalibrationReport:
    """Measure the noise of the camera that took `paths`, and keep it as the user's profile of camera and ISO.

    Raises CalibrationError, with the reason, where the photos do not serve, and other errors of reading and writing;
    then nothing is written.
    """
    if len(paths) < 2:
        raise CalibrationError("one shot does not tell noise from the scene; give two or more of the same scene")
    shots: list[_Shot] = []
    for path in paths:
        shot = _read_shot(path)
        _check_fits(shot, shots)
        shots.append(shot)
    camera, levels = shots[0].camera, shots[0].levels
    iso = shots[0].iso if settings.iso is None else settings.iso
    if iso is None:
        raise CalibrationError(f"{paths[0]}: does not say its ISO; give it with --iso N")
    check_iso(iso)
    if not settings.dry_run:
        check_new_profile(camera, iso, overwrite=settings.overwrite)
    floor = (0.5 - float(levels.black.min())) / levels.scale  # the lowest code, 0 ADU, may hide lower values
    found = calibrate([shot.planes for shot in shots], floor)
    line, written = found.line, None
    if not settings.dry_run:
        written = add_profile(camera, iso, (line.shot, line.read), overwrite=settings.overwrite)
    return CalibrationReport(
        camera=printable(str(camera)),
        iso=iso,
        shots=len(shots),
        shot=line.shot,
        read=line.read,
        calibration=found,
        codes_per_electron=line.shot * levels.scale,
        read_electrons=line.read**0.5 / line.shot,
        full_scale_electrons=1 / line.shot,
        warnings=_warnings(found),
        written=written,
    )


def _read_shot(path: Path) -> _Shot:
    """Read one photo; raises CalibrationError where it shows no sensor's noise."""
    photo = read_raw(path, use_noise_profile=False)
    frame = photo.frame
    _check_untouched(photo)
    with naming(path):
        check_exposed(frame)
    linear = frame.levels.to_linear(frame.samples)
    if str(frame.camera) == str(Camera("", "")):
        raise CalibrationError(f"{path}: does not name its camera, so that no photo could be matched with a profile")
    return _Shot(
        path=path,
        camera=frame.camera,
        iso=frame.exposure.iso,
        layout=frame.layout,
        size=tuple(frame.samples.shape),
        levels=frame.levels,
        planes=independent_planes(frame.layout, linear),
        digest=hashlib.blake2b(np.ascontiguousarray(frame.samples).data).digest(),
    )


def _check_untouched(photo: RawPhoto) -> None:
    """Raise where a photo has not the samples that the sensor gave."""
    frame, metadata = photo.frame, photo.metadata
    if frame.layout is PlainLayout.LINEAR_RGB:
        reason = "is demosaiced, so that its noise is no sensor's"
    elif metadata.is_lossy:
        reason = "is compressed with losses, which change its noise"
    elif frame.is_float:
        reason = "holds floating point numbers, as merges of several photos do, and no sensor's samples"
    elif metadata.tells_noise_reduction:
        reason = "is denoised already, as its NoiseReductionApplied tag says"
    else:
        return
    raise CalibrationError(f"{photo.source}: {reason}; take the file as the camera wrote it")


def _check_fits(shot: _Shot, others: Sequence[_Shot]) -> None:
    """Raise where a shot is not of the same kind as the first one, or is one of the `others`."""
    if not others:
        return
    first = others[0]
    for other in others:
        if shot.digest == other.digest:
            raise CalibrationError(f"{shot.path}: holds the same samples as {other.path}; give shots, not copies")
    levels = [(*one.levels.black.flatten().tolist(), one.levels.white) for one in (shot, first)]
    for what, mine, theirs in (
        ("camera", printable(str(shot.camera)), printable(str(first.camera))),
        ("ISO", _number(shot.iso), _number(first.iso)),
        ("layout", shot.layout.name, first.layout.name),
        ("size", "x".join(map(str, reversed(shot.size))), "x".join(map(str, reversed(first.size)))),
        ("levels", *(" ".join(map(_number, values)) for values in levels)),
    ):
        if mine != theirs:
            raise CalibrationError(
                f"{shot.path}: {what} {mine}, where {first.path} has {theirs}; take all shots with one camera and "
                "one setting"
            )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"


def _warnings(found: Calibration) -> tuple[str, ...]:
    """What the user should know before the profile is relied on."""
    warnings = []
    lines = [line for line in found.planes if line is not None]
    if lines and _are_different(lines):
        listed = ", ".join(f"{line.shot:.2e}" for line in lines)
        warnings.append(f"the planes differ in shot noise ({listed}); the profile is that of all together")
    if found.misfit > MISFIT:
        warnings.append(
            f"the blocks scatter {found.misfit:.1f} times as much as noise would make them; something may have moved"
        )
    return tuple(warnings)


def _are_different(lines: Sequence[NoiseLine]) -> bool:
    """Whether the shot noise of planes differs by more than their standard errors explain."""
    low, high = min(lines, key=lambda line: line.shot), max(lines, key=lambda line: line.shot)
    error = math.hypot(low.shot_error, high.shot_error)
    return high.shot > DIFFERENT * low.shot and high.shot - low.shot > 4 * error

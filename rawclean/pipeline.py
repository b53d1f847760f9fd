"""One photo, file to file: read, find its noise, choose a model, denoise, write."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from torch import Tensor

from rawclean.core.frame import RawFrame
from rawclean.core.layout import independent_planes, mosaic_of
from rawclean.core.noise import NoiseModel
from rawclean.core.noise_estimation import estimate_noise
from rawclean.errors import InvalidNoiseError, ModelError
from rawclean.inference.choices import TILE, DeviceChoice, Precision
from rawclean.inference.denoise import Engine, Progress, denoise
from rawclean.inference.device import keep_freed_memory, pick_device, pick_dtype
from rawclean.io.atomic import check_target
from rawclean.io.compression import Compression
from rawclean.io.dng import DenoisedPhoto
from rawclean.io.noise_profiles import profile_noise, typical_noise
from rawclean.io.raw import read_raw
from rawclean.io.writers import check_format, write_photo
from rawclean.models.manifest import ModelCard, choose_model, find_model, list_models, load_model

DISAGREEMENT = 1.5
"""Factor between two readings of sigma from which on a warning is given."""
LEAST_READ = 1e-12
"""Variance, far below quantisation, that keeps the sigma of a clean photo above zero."""
_NETWORK = threading.Lock()
"""The network uses all cores or the GPU: of photos at work in several threads, one is in it."""


@dataclass(frozen=True, slots=True)
class DenoiseSettings:
    """How to denoise; the defaults suit every photo."""

    model: str | None = None
    """Name of a model; None chooses by noise."""
    iso: float | None = None
    """Noise of this ISO instead of what the file says."""
    noise: tuple[float, float] | None = None
    """Shot and read variance instead of what the file says."""
    strength: float = 1.0
    """Share of the noise that is taken away, 0 to 1."""
    device: DeviceChoice = DeviceChoice.AUTO
    precision: Precision = Precision.AUTO
    tile: int = TILE
    overwrite: bool = False
    compression: Compression = Compression.LJPEG
    """Of the samples in a DNG."""
    specialists: bool = True
    """Whether to choose among the specialists of noise ranges, too."""


@dataclass(frozen=True, slots=True)
class NoiseReading:
    """The noise of a photo and how it is known."""

    noise: NoiseModel
    origin: str
    """In words: tag, profile, estimate, option."""
    warning: str | None


@dataclass(frozen=True, slots=True)
class DenoiseReport:
    """What was done to one photo."""

    source: str
    output: str
    camera: str
    width: int
    height: int
    noise_origin: str
    shot: float
    read: float
    sigma: float
    """At 18 % signal."""
    model: str
    model_sha256: str
    device: str
    warning: str | None
    seconds: dict[str, float]
    """Wall time of decode, noise, network and write."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo in memory, and all that is decided before the network runs."""

    source: Path
    output: Path
    frame: RawFrame
    reading: NoiseReading
    card: ModelCard
    seconds: dict[str, float]
    """Wall time of the steps so far; later steps add theirs."""


def denoise_file(
    source: Path, output: Path, settings: DenoiseSettings, progress: Progress | None = None
) -> DenoiseReport:
    """Denoise `source` into `output`, whose suffix names the format.

    Raises a RawcleanError where something is wrong with the photo, the settings, the model or the output; then no
    output is left behind.
    """
    photo = prepare(source, output, settings)
    return finish(photo, clean(photo, settings, progress), settings)


def prepare(source: Path, output: Path, settings: DenoiseSettings) -> Prepared:
    """Read a photo, find its noise, choose a model; raises as `denoise_file`."""
    check_format(output)
    check_target(output, source, overwrite=settings.overwrite)
    seconds: dict[str, float] = {}
    with _timed(seconds, "decode"):
        frame = read_photo(source, settings)
    with _timed(seconds, "noise"):
        reading = read_noise(frame, settings)
    return Prepared(source, output, frame, reading, choose(frame, reading.noise, settings), seconds)


def clean(photo: Prepared, settings: DenoiseSettings, progress: Progress | None = None) -> DenoisedPhoto:
    """Run the network; raises as `denoise_file`."""
    noise, engine = photo.reading.noise, _engine(photo.card, settings)
    with _NETWORK, _timed(photo.seconds, "network"):
        denoised = denoise(photo.frame, noise, engine, strength=settings.strength, progress=progress)
    residual = photo.card.residual_noise(noise, settings.strength)
    return DenoisedPhoto(denoised, residual, settings.strength, settings.compression)


def finish(photo: Prepared, denoised: DenoisedPhoto, settings: DenoiseSettings) -> DenoiseReport:
    """Write the result and say what was done; raises as `denoise_file`."""
    with _timed(photo.seconds, "write"):
        write_photo(photo.output, denoised)
    frame, reading, engine = photo.frame, photo.reading, _engine(photo.card, settings)
    return DenoiseReport(
        source=str(photo.source),
        output=str(photo.output),
        camera=str(frame.camera),
        width=frame.active.width,
        height=frame.active.height,
        noise_origin=reading.origin,
        shot=float(reading.noise.shot.mean()),
        read=float(reading.noise.read.mean()),
        sigma=reading.noise.sigma_at(),
        model=photo.card.name,
        model_sha256=photo.card.sha256,
        device=f"{engine.device.type} {str(engine.dtype).removeprefix('torch.')}",
        warning=reading.warning,
        seconds=photo.seconds,
    )


def read_photo(source: Path, settings: DenoiseSettings) -> RawFrame:
    """Read a RAW photo; its noise tag counts only where the settings do not replace it, so that a bad one can be."""
    return read_raw(source, use_noise_profile=settings.iso is None and settings.noise is None)


def read_noise(frame: RawFrame, settings: DenoiseSettings) -> NoiseReading:
    """The noise of a photo: what the user says, else its tag, its camera's profile, or an estimate from the mosaic.

    Raises InvalidNoiseError where all of them fail.
    """
    known = _told_noise(frame, settings) or _known_noise(frame)
    linear = frame.levels.to_linear(frame.samples)
    blind = _blind_noise(frame, linear, required=known is None)
    if known is None:
        assert blind is not None
        return NoiseReading(blind, "estimate from the photo", None)
    noise, origin = known
    warning = None
    if blind is not None:
        signal = float(linear.mean().clamp(min=0))
        stated, seen = noise.sigma_at(signal), blind.sigma_at(signal)
        if not stated / DISAGREEMENT <= seen <= stated * DISAGREEMENT:
            warning = (
                f"noise by {origin} is sigma {stated:.5f} at this photo's mean signal, but the photo itself looks like "
                f"{seen:.5f}; if the result is too smooth or too noisy, give "
                f"--noise {float(blind.shot[0]):.2e},{float(blind.read[0]):.2e}"
            )
    return NoiseReading(noise, origin, warning)


def choose(frame: RawFrame, noise: NoiseModel, settings: DenoiseSettings) -> ModelCard:
    """The model that the settings name, or that mosaic and noise call for; raises ModelError."""
    mosaic = mosaic_of(frame.layout)
    if settings.model is None:
        return choose_model(noise, list_models(), mosaic, specialists=settings.specialists)
    card = find_model(settings.model)
    if card.mosaic is not mosaic:
        raise ModelError(f"{frame.source}: is {frame.layout.name}, and model {card.name} is for {card.mosaic.value}")
    return card


def _told_noise(frame: RawFrame, settings: DenoiseSettings) -> tuple[NoiseModel, str] | None:
    if settings.noise is not None:
        shot, read = settings.noise
        return NoiseModel.uniform(shot, max(read, LEAST_READ)), "option --noise"
    if settings.iso is not None:
        profile = profile_noise(frame.camera, settings.iso)
        origin = f"option --iso {settings.iso:g}"
        return (profile, f"{origin} and camera profile") if profile else (typical_noise(settings.iso), origin)
    return None


def _known_noise(frame: RawFrame) -> tuple[NoiseModel, str] | None:
    """Noise by metadata."""
    if frame.noise_profile is not None:
        return frame.noise_profile, "NoiseProfile tag"
    if frame.exposure.iso is not None:
        profile = profile_noise(frame.camera, frame.exposure.iso)
        if profile is not None:
            return profile, "camera profile"
    return None


def _blind_noise(frame: RawFrame, linear: Tensor, *, required: bool) -> NoiseModel | None:
    levels = frame.levels
    floor = (0.5 - float(levels.black.min())) / levels.scale  # the lowest code, 0 ADU, may hide lower values
    try:
        return estimate_noise(independent_planes(frame.layout, linear), floor)
    except InvalidNoiseError as error:
        if required:
            raise InvalidNoiseError(f"{frame.source}: {error}") from error
        return None


def _engine(card: ModelCard, settings: DenoiseSettings) -> Engine:
    return _ready_engine(card, settings.device, settings.precision, settings.tile)


@lru_cache(maxsize=8)
def _ready_engine(card: ModelCard, device: DeviceChoice, precision: Precision, tile: int) -> Engine:
    """A model ready to run, kept for the next photo."""
    keep_freed_memory()
    place = pick_device(device)
    return Engine(load_model(card), place, pick_dtype(precision, place), tile)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Note the wall time of a step."""
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start

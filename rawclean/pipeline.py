"""One photo, file to file: read, find its noise, choose a model, denoise, write."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rawclean.core.choices import BadPixels
from rawclean.core.frame import RawFrame
from rawclean.core.glibc import keep_freed_memory
from rawclean.core.layout import mosaic_of
from rawclean.core.levels import Levels
from rawclean.core.masked_border import corrected_black
from rawclean.core.removal import Removal, noise_left, removal_of
from rawclean.core.shares import Shares
from rawclean.denoise_report import DenoiseReport, Statement
from rawclean.denoiser import shared_denoiser
from rawclean.engines.tiled import Effort, Progress, Signal, denoise
from rawclean.errors import InvalidNoiseError, naming
from rawclean.instruments.bad_pixels import map_bad_pixels
from rawclean.io.applied import is_denoised
from rawclean.io.atomic import check_target, make_folder
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.noise_profiles import typical_iso
from rawclean.io.raw import read_raw
from rawclean.io.raw_photo import RawPhoto
from rawclean.io.tiff.metadata import Metadata
from rawclean.io.writers import check_format, write_photo
from rawclean.model_choice import model_for
from rawclean.models.cards import ModelCard
from rawclean.noise_source import FoundNoise, find_noise
from rawclean.settings import DenoiseSettings


@dataclass(frozen=True, slots=True)
class Examined:
    """A photo in memory, and all that is decided before the network runs."""

    frame: RawFrame
    found: FoundNoise
    levels: Levels
    """Black and white to compute with; the file keeps its own."""
    bad_pixels: int
    """Sites of `frame` that were replaced by their neighbours."""
    warning: str | None
    card: ModelCard
    shares: Shares
    """What is taken away of the noise."""

    @property
    def removal(self) -> Removal:
        """How it is taken from the planes."""
        return removal_of(self.shares, self.frame.layout, self.frame.colour)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An examined photo, and where its result goes."""

    raw: RawPhoto
    output: Path
    examined: Examined
    seconds: dict[str, float]
    """Wall time of the steps so far; later steps add theirs."""


def denoise_file(
    source: Path,
    output: Path,
    settings: DenoiseSettings,
    progress: Progress | None = None,
    metadata: Metadata | None = None,
) -> DenoiseReport:
    """Denoise `source` into `output`, whose suffix names the format; `metadata` are its tags, if they have been read.

    Raises a RawcleanError where something is wrong with the photo, the settings, the model or the output; then no
    output is left behind.
    """
    photo = prepare(source, output, settings, metadata)
    return finish(photo, clean(photo, settings, progress), settings)


def prepare(source: Path, output: Path, settings: DenoiseSettings, metadata: Metadata | None = None) -> Prepared:
    """Read a photo, find its noise, choose a model; arguments and errors as of `denoise_file`."""
    keep_freed_memory()
    check_format(output)
    check_target(output, source, overwrite=settings.overwrite, make_folders=settings.make_folders)
    shared_denoiser().warm_up(settings)
    seconds: dict[str, float] = {}
    with _timed(seconds, "decode"):
        photo = read_photo(source, settings, metadata)
    with _timed(seconds, "noise"), naming(source, InvalidNoiseError):
        examined = examine(photo.frame, settings)
    return Prepared(photo.with_frame(examined.frame), output, examined, seconds)  # the samples as they were may go


def examine(frame: RawFrame, settings: DenoiseSettings) -> Examined:
    """Find the noise, the black and the bad pixels of a photo and choose a model.

    Raises as `denoise_file`, without the name of the photo.
    """
    found = find_noise(frame, settings.told_noise)
    card = model_for(mosaic_of(frame.layout), found.noise, settings)
    shared_denoiser().load(card, settings)
    levels, black_note = corrected_black(frame, found.noise)
    mapped = map_bad_pixels(frame, found.told, settings.bad_pixels)
    notes = frame.doubt, found.warning, black_note, _other_quality(card, settings)
    return Examined(
        frame=mapped.frame,
        found=found,
        levels=levels,
        bad_pixels=mapped.count,
        warning="; ".join(filter(None, notes)) or None,
        card=card,
        shares=settings.shares_at(iso_of(frame, found, settings)),
    )


def clean(photo: Prepared, settings: DenoiseSettings, progress: Progress | None = None) -> DenoisedPhoto:
    """Run the network; raises as `denoise_file`."""
    examined = photo.examined
    frame, noise = clean_frame(examined, settings, progress, photo.seconds), examined.found.noise
    return DenoisedPhoto(
        photo.raw.with_frame(frame),
        noise_left(examined.removal, examined.card.share_left(noise), frame.layout, noise, frame.colour),
        examined.shares.overall,
        settings.compression,
        bad_pixels_repaired=settings.bad_pixels is not BadPixels.OFF,
    )


def clean_frame(
    examined: Examined,
    settings: DenoiseSettings,
    progress: Progress | None = None,
    seconds: dict[str, float] | None = None,
) -> RawFrame:
    """Run the network when it is this photo's turn, of which `progress` is told with no tile done.

    Raises ModelError and UnsupportedDeviceError.
    """
    found, frame, denoiser = examined.found, examined.frame, shared_denoiser()
    signal = Signal(found.told, found.clip, examined.levels)
    engine = denoiser.engine(examined.card, settings)
    with denoiser.turn, _timed({} if seconds is None else seconds, "network"):
        if progress:
            progress(0, 1)
        return denoise(frame, signal, engine, Effort(examined.removal, settings.tile, progress))


def finish(photo: Prepared, denoised: DenoisedPhoto, settings: DenoiseSettings) -> DenoiseReport:
    """Write the result and say what was done; raises as `denoise_file`."""
    with _timed(photo.seconds, "write"):
        make_folder(photo.output.parent)
        beside = write_photo(photo.output, denoised)
    examined = photo.examined
    frame, found, card = examined.frame, examined.found, examined.card
    return DenoiseReport(
        source=str(photo.raw.source),
        output=str(photo.output),
        camera=str(frame.camera),
        width=frame.active.width,
        height=frame.active.height,
        noise_origin=found.origin,
        shot=float(found.noise.shot.mean()),
        read=float(found.noise.read.mean()),
        sigma=found.noise.sigma_at(),
        model=card.name,
        model_sha256=card.sha256,
        device=shared_denoiser().engine(card, settings).name,
        evidence=statements(found),
        bad_pixels=examined.bad_pixels,
        correlated=found.correlated,
        clip=tuple(found.clip.tolist()),
        warning="; ".join(filter(None, (_denoised_note(photo.raw), examined.warning, beside))) or None,
        seconds=photo.seconds,
        iso=frame.exposure.iso,
        shares=(examined.shares.luminance, examined.shares.colour),
    )


def read_photo(source: Path, settings: DenoiseSettings, metadata: Metadata | None = None) -> RawPhoto:
    """Read a RAW photo; its noise tag counts only where the settings do not replace it, so that a bad one can be."""
    return read_raw(source, metadata, use_noise_profile=not settings.told_noise.replaces_tag)


def statements(found: FoundNoise) -> tuple[Statement, ...]:
    """The evidence for a photo's noise, for people and scripts."""
    return tuple(Statement(each.origin, each.noise.sigma_at(), each.width) for each in found.evidence)


def iso_of(frame: RawFrame, found: FoundNoise, settings: DenoiseSettings) -> float:
    """The ISO of a photo; of one that does not say it, that at which a typical camera has its noise."""
    return settings.iso or frame.exposure.iso or typical_iso(float(found.noise.shot.mean())) or 1.0


def _other_quality(card: ModelCard, settings: DenoiseSettings) -> str | None:
    wanted = settings.quality
    if settings.model is not None or wanted is None or card.quality is wanted:
        return None
    return f"there is no {wanted.value} model for {card.mosaic.value} mosaics; {card.name} is {card.quality.value}"


def _denoised_note(photo: RawPhoto) -> str | None:
    known = is_denoised(photo.source, photo.metadata)
    return "its file says that it is denoised already; once more takes detail" if known else None


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Note the wall time of a step."""
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start

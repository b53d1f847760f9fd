"""A photo before it is denoised: what is known of its noise, and pieces of it as denoising would make them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rawclean.core.frame import RawFrame
from rawclean.core.layout import mosaic_of
from rawclean.core.masked_border import corrected_black
from rawclean.core.noise import NoiseModel
from rawclean.core.orientation import in_picture, on_sensor, upright, upright_size
from rawclean.core.places import PlaceKind, find_places
from rawclean.denoiser import shared_denoiser
from rawclean.engines.tiled import Signal
from rawclean.errors import InvalidNoiseError, UsageError, naming
from rawclean.evaluation.noise_chart import NoiseChart
from rawclean.evaluation.noise_witnesses import chart_of
from rawclean.io.preview import Preview
from rawclean.io.raw_photo import RawPhoto
from rawclean.noise_source import FoundNoise, find_noise
from rawclean.pipeline import iso_of, read_photo
from rawclean.preview.crops import HEIGHT, WIDTH, Crop, Place, lines_of, make_crops, place_around, with_narrow_halo
from rawclean.preview.versions import Version, versions_of
from rawclean.settings import DenoiseSettings

SHOWN = (PlaceKind.DETAIL, PlaceKind.TONE, PlaceKind.NOISE, PlaceKind.SHADOW)
WHOLE = 900
"""Longest side of the picture of the whole photo."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a preview shows."""

    photo: RawPhoto
    whole: NDArray[np.uint8]
    """The photo small, (H, W, 3), upright."""
    chart: NoiseChart
    found: FoundNoise
    warning: str | None
    versions: tuple[Version, ...]
    crops: tuple[Crop, ...]


def look_at(source: Path, settings: DenoiseSettings, at: Sequence[tuple[int, int]] = ()) -> Look:
    """Read a photo, find its noise, and denoise pieces of it: those around `at`, (x, y) in the upright photo, or a few.

    Raises a RawcleanError where something is wrong with the photo, the settings or the model, UsageError for a place
    outside.
    """
    shared_denoiser().warm_up(settings)
    photo = read_photo(source, settings)
    frame = photo.frame
    wanted = [_place_at(frame, *each) for each in at]
    with ThreadPoolExecutor(1) as beside, naming(source, InvalidNoiseError):
        reduced = beside.submit(_small, frame)
        found, small = find_noise(frame, settings.told_noise), reduced.result()
    versions = versions_of(mosaic_of(frame.layout), found.noise, iso_of(frame, found, settings), settings)
    for version in versions:
        shared_denoiser().load(with_narrow_halo(version.card), version.settings)
    levels, note = corrected_black(frame, found.noise)
    signal = Signal(found.told, found.clip, levels, lines_of(frame, levels, found.told))
    places = wanted or _places(frame, small, found.noise)
    return Look(
        photo=photo,
        whole=np.ascontiguousarray(upright(small, frame.orientation)),
        chart=chart_of(photo, found, settings.told_noise),
        found=found,
        warning="; ".join(filter(None, (frame.doubt, found.warning, note))) or None,
        versions=tuple(versions),
        crops=tuple(make_crops(frame, signal, places, versions)),
    )


def rectangle(place: Place, frame: RawFrame) -> tuple[float, float, float, float]:
    """Left, top, width and height of a place in the upright photo, as shares of its sides."""
    size = frame.active.height, frame.active.width
    corners = [
        in_picture(row, column, size, frame.orientation)
        for row, column in ((place.top, place.left), (place.top + place.height, place.left + place.width))
    ]
    height, width = upright_size(size, frame.orientation)
    top, left = (min(values) for values in zip(*corners, strict=True))
    bottom, right = (max(values) for values in zip(*corners, strict=True))
    return left / width, top / height, (right - left) / width, (bottom - top) / height


def _small(frame: RawFrame) -> NDArray[np.uint8]:
    """The photo with one pixel for some blocks of its mosaic, as it lies on the sensor."""
    return Preview(frame).pixels(max(1, round(max(frame.active.height, frame.active.width) / 2 / WHOLE)))


def _place_at(frame: RawFrame, x: int, y: int) -> Place:
    size = frame.active.height, frame.active.width
    height, width = upright_size(size, frame.orientation)
    if not (0 <= x < width and 0 <= y < height):
        raise UsageError(f"--at {x},{y}: lies outside the photo, which is {width} wide and {height} high")
    row, column = on_sensor(y, x, size, frame.orientation)
    return place_around(f"at {x},{y}", round(row), round(column), size)


def _places(frame: RawFrame, small: NDArray[np.uint8], noise: NoiseModel) -> list[Place]:
    """A few that show what there is to see, found in the photo made `small`."""
    size = frame.active.height, frame.active.width
    down, across = size[0] / small.shape[0], size[1] / small.shape[1]
    window = max(1, round(HEIGHT / down)), max(1, round(WIDTH / across))
    noisy = (small + _visible_noise(small, noise)[..., None]).clip(0, 255).astype(np.uint8)
    found = [
        (each.kind.value, (each.top + each.height / 2) * down, (each.left + each.width / 2) * across)
        for each in find_places(small, window, noisy, SHOWN)
    ]
    middle = [("middle", size[0] / 2, size[1] / 2)]  # of a photo that shows nothing
    return [place_around(name, round(row), round(column), size) for name, row, column in found or middle]


def _visible_noise(small: NDArray[np.uint8], noise: NoiseModel) -> np.ndarray:
    """Codes (H, W) of noise in a developed picture: a curve of about x^0.45 lifts that of shadows."""
    codes = small.max(axis=2)
    signal = (codes / 255).clip(0.02, 1) ** (1 / 0.45)
    sigma = np.sqrt(float(noise.shot.mean()) * signal + float(noise.read.mean()))
    seen = np.interp(codes, (4, 24), (0, 1))  # what is nearly black is never looked at
    slope: np.ndarray = 255 * 0.45 * signal ** (0.45 - 1)
    return seen * slope * sigma

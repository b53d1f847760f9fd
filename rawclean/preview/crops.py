"""Pieces of a photo, denoised in several ways without the rest of it, and developed."""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawclean.core.bayer import BayerPattern
from rawclean.core.frame import ActiveArea, RawFrame
from rawclean.core.layout import Layout, PlainLayout, plane_noise
from rawclean.core.levels import Levels
from rawclean.core.line_offsets import LineOffsets, find_line_offsets
from rawclean.core.noise import NoiseModel
from rawclean.core.orientation import upright
from rawclean.core.removal import removal_of
from rawclean.core.shares import Shares
from rawclean.core.xtrans import PERIOD, XTransPattern
from rawclean.denoiser import shared_denoiser
from rawclean.engines.tiled import Effort, Signal, denoise
from rawclean.instruments.bad_pixels import map_bad_pixels
from rawclean.io.render import render_frame
from rawclean.models.cards import ModelCard
from rawclean.preview.versions import Version
from rawclean.settings import DenoiseSettings

HEIGHT, WIDTH = 300, 400
"""Of a piece, in pixels of the sensor."""
STEP = 96
"""What is denoised begins and ends at multiples of it: of the periods of all mosaics, and of what networks fold."""
SURROUNDINGS = 84
"""Samples around a piece, at least, that are denoised with it: the network looks farther, and hardly weighs that."""
WINDOW = 6 * STEP, 7 * STEP
"""Height and width of what is denoised, always the same: an engine prepares itself for every new size."""
NARROW_HALO = 32
"""Samples of a plane that are made up around the surroundings."""
MARGIN = 24
"""Samples around a piece that are developed with it: a developer, too, looks at neighbours."""


@dataclass(frozen=True, slots=True)
class Place:
    """A piece of a photo, in samples from the top-left of its visible area."""

    name: str
    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Crop:
    """A piece, developed before and after in every version: (H, W, 3), upright."""

    place: Place
    before: NDArray[np.uint8]
    after: tuple[NDArray[np.uint8], ...]


def place_around(name: str, row: int, column: int, size: tuple[int, int]) -> Place:
    """The piece around a sample of a photo of `size` (H, W), moved inside where it would stick out."""
    height, width = min(HEIGHT, size[0]), min(WIDTH, size[1])
    top = min(max(row - height // 2, 0), size[0] - height)
    left = min(max(column - width // 2, 0), size[1] - width)
    return Place(name, top, left, height, width)


def lines_of(frame: RawFrame, levels: Levels, noise: NoiseModel) -> LineOffsets | None:
    """What whole rows and columns of a photo are too high, which a piece cannot show."""
    if isinstance(frame.layout, PlainLayout):
        return None
    return find_line_offsets(frame.layout.pack(levels.to_linear(frame.samples)), plane_noise(frame.layout, noise))


def with_narrow_halo(card: ModelCard) -> ModelCard:
    """A model that need not be told of what lies far outside a piece, which has surroundings of its own."""
    return dataclasses.replace(card, halo=min(card.halo, NARROW_HALO))


def make_crops(frame: RawFrame, signal: Signal, places: Sequence[Place], versions: Sequence[Version]) -> list[Crop]:
    """Denoise and develop the pieces at `places` in all `versions`.

    Raises ModelError and UnsupportedDeviceError, as `Denoiser.engine`.
    """
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda place: _crop(frame, signal, place, versions), places))


def _crop(frame: RawFrame, signal: Signal, place: Place, versions: Sequence[Version]) -> Crop:
    window = _window(place, frame)
    piece = frame.cut(window.top, window.left, window.height, window.width)
    here = Signal(
        signal.noise,
        signal.clip,
        signal.levels.shifted(window.top, window.left),
        signal.lines and signal.lines.cut(*_lines_in(window, frame.layout)),
    )
    models = {version.card: version.settings for version in versions}
    mapped = map_bad_pixels(piece, signal.noise, versions[0].settings.bad_pixels).frame
    clean = {card: _denoised(mapped, here, card, settings) for card, settings in models.items()}
    made = [_less(mapped, clean[version.card], version.shares) for version in versions]
    before, *after = _developed([piece, *made], window, place)
    return Crop(place, before, tuple(after))


def _denoised(piece: RawFrame, signal: Signal, card: ModelCard, settings: DenoiseSettings) -> RawFrame:
    """A piece without any noise that a model finds."""
    engine = shared_denoiser().engine(with_narrow_halo(card), settings)
    return denoise(piece, signal, engine, Effort())


def _less(noisy: RawFrame, clean: RawFrame, shares: Shares) -> RawFrame:
    """A piece less `shares` of its noise; saturated samples, which are in both, stay."""
    noise = noisy.samples - clean.samples
    taken = noisy.layout.pack(noise)
    taken = noisy.layout.unpack(removal_of(shares, noisy.layout, noisy.colour).of(taken), noise.shape[-2:])
    return noisy.with_samples(np.where(noise == 0, noisy.samples, noisy.samples - taken))


def _window(place: Place, frame: RawFrame) -> Place:
    """What is denoised with a place, moved inside the photo where it would stick out."""
    size = frame.active.height, frame.active.width
    begins = []
    for begin, length, whole in zip((place.top, place.left), WINDOW, size, strict=True):
        last = -(-max(whole - length, 0) // STEP) * STEP
        begins.append(min(max(begin - SURROUNDINGS, 0) // STEP * STEP, last))
    height, width = (min(length, whole - at) for length, whole, at in zip(WINDOW, size, begins, strict=True))
    return Place(place.name, begins[0], begins[1], height, width)


def _around(place: Place, frame: RawFrame) -> Place:
    """A place with a margin on all sides, as far as the photo goes."""
    top, left = max(place.top - MARGIN, 0), max(place.left - MARGIN, 0)
    bottom = min(place.top + place.height + MARGIN, frame.active.height)
    right = min(place.left + place.width + MARGIN, frame.active.width)
    return Place(place.name, top, left, bottom - top, right - left)


def _lines_in(window: Place, layout: Layout) -> tuple[slice, slice]:
    """The lines of a window among those of the photo, which begin and end with whole periods of its colours."""
    if isinstance(layout, XTransPattern):
        period, phase = PERIOD, (layout.row, layout.column)
    else:
        period, phase = 2, layout.phase if isinstance(layout, BayerPattern) else (0, 0)
    rows, columns = (
        slice(begin, begin + -(-(length + before) // period) * period)
        for begin, length, before in zip((window.top, window.left), (window.height, window.width), phase, strict=True)
    )
    return rows, columns


def _developed(frames: Sequence[RawFrame], window: Place, place: Place) -> list[NDArray[np.uint8]]:
    """The pictures of a place, of which `frames` are windows around it: developed as one photo, one above the other."""
    first = frames[0]
    place = Place(place.name, place.top - window.top, place.left - window.left, place.height, place.width)
    seen = _around(place, first)
    rows = np.arange(-(-seen.height // PERIOD) * PERIOD)
    rows[seen.height :] -= PERIOD  # the next piece begins with a whole period
    piece = first.cut(seen.top, seen.left, seen.height, seen.width)
    area = slice(seen.top, seen.top + seen.height), slice(seen.left, seen.left + seen.width)
    stacked = np.concatenate([frame.samples[(..., *area)][..., rows, :] for frame in frames], axis=-2)
    active = ActiveArea(0, 0, len(frames) * len(rows), seen.width)
    picture = render_frame(dataclasses.replace(piece, raster=stacked, active=active, listed_bad=None, orientation=1))
    down, across = picture.shape[0] / active.height, picture.shape[1] / seen.width  # pixels may not be square
    left, width = round((place.left - seen.left) * across), round(place.width * across)
    height = round(place.height * down)
    tops = [round((index * len(rows) + place.top - seen.top) * down) for index in range(len(frames))]
    return [
        np.ascontiguousarray(upright(picture[top : top + height, left : left + width], first.orientation))
        for top in tops
    ]

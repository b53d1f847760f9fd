"""Where a photographer looks at 100 % to judge a denoised photo: skin, fine structure, dark parts, and the most noise.

A picture is looked at in square cells, some 30 to a side of a window. Each kind of place is a score of cells, and the
place is the window with the largest mean. Skin is told by its shares of red and green, which skins of all shades have
alike (M. Soriano et al.: Using the skin locus to cope with changing illumination, 2000), and sand and wood, too: a cell
of it counts where it is smooth, and half a window is enough where there is structure beside it, as in a face. Nothing
searches for faces.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

CELLS = 32
"""About how many cells a window is high or wide."""
EDGE, TEXTURE, FLAT = 24.0, 3.0, 1.0
"""Mean steps between neighbouring blocks of 2 x 2 pixels, in codes: more is one hard edge, what a texture
has at least, and what rounding leaves of an even part."""
CLIPPED = 245.0
"""Code from which a channel holds no tone."""
BLACK, SHADE, DARK = 6.0, 24.0, 70.0
"""Codes of luma: nothing to see below, the deepest shadow that shows something, no shadow above."""
SKIN_RED, SKIN_GREEN = (0.37, 0.48), (0.275, 0.345)
"""Shares of the sum of the codes that skin has; a shirt has more red."""


class PlaceKind(Enum):
    """Why one looks there."""

    TONE = "smooth tone"
    DETAIL = "detail"
    SHADOW = "shadow"
    NOISE = "most noise"


@dataclass(frozen=True, slots=True)
class Place:
    """A window of a picture, in pixels."""

    kind: PlaceKind
    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True, slots=True)
class _Cells:
    """What is seen of a picture, by cell; all (rows, columns), in codes."""

    colour: np.ndarray
    """(rows, columns, 3), mean."""
    rough: np.ndarray
    """Mean step between neighbouring blocks of 2 x 2 pixels: what a denoiser left is structure."""
    change: np.ndarray
    """Mean absolute difference to the noisy picture; zero without one."""

    @property
    def luma(self) -> np.ndarray:
        """ITU-R BT.601."""
        return self.colour @ np.array((0.299, 0.587, 0.114), np.float32)


def find_places(
    picture: NDArray[np.uint8],
    window: tuple[int, int],
    noisy: NDArray[np.uint8] | None = None,
    kinds: Sequence[PlaceKind] = tuple(PlaceKind),
) -> list[Place]:
    """One place of each of `kinds` in a developed, denoised `picture` (H, W, 3), in this order, none over another.

    `window` is their height and width in pixels, at most the picture's; `noisy` the same picture before, without which
    no place has the most noise. A kind that the picture does not have, or has no room left for, is left out.
    """
    size = (min(window[0], picture.shape[0]), min(window[1], picture.shape[1]))
    side = max(2, min(size) // CELLS // 2 * 2)
    cells = _seen(picture, noisy, side)
    found: list[Place] = []
    for kind in kinds:
        scores = _SCORES[kind](cells, (size[0] // side, size[1] // side))
        tops, lefts = (
            np.minimum(np.arange(many) * side, full - length)
            for many, full, length in zip(scores.shape, picture.shape, size, strict=False)
        )
        for place in found:
            rows, columns = np.abs(tops - place.top) < size[0], np.abs(lefts - place.left) < size[1]
            scores[np.ix_(rows, columns)] = 0.0
        row, column = np.unravel_index(scores.argmax(), scores.shape)
        if scores[row, column] > 0:
            found.append(Place(kind, int(tops[row]), int(lefts[column]), *size))
    return found


def _seen(picture: NDArray[np.uint8], noisy: NDArray[np.uint8] | None, side: int) -> _Cells:
    """Look at a picture one row of cells at a time: the floating point numbers of all of it fill the memory."""
    rows, columns = (length // side for length in picture.shape[:2])
    colour = np.zeros((rows, columns, 3), np.float32)
    rough, change = np.zeros((2, rows, columns), np.float32)
    for row, strip in enumerate(_strips(picture, side)):
        colour[row] = _means(strip)
        rough[row] = _roughness(strip)
        if noisy is not None:
            before = noisy[row * side : (row + 1) * side, : columns * side]
            change[row] = _means(np.abs(before.reshape(strip.shape) - strip)).mean(-1)
    return _Cells(colour, rough, change)


def _strips(picture: NDArray[np.uint8], side: int) -> Iterator[np.ndarray]:
    """Rows of cells (side, columns, side, 3), float32; what is left over at the far ends is left out."""
    height, width = (length // side for length in picture.shape[:2])
    for row in range(height):
        strip = picture[row * side : (row + 1) * side, : width * side].astype(np.float32)
        yield strip.reshape(side, width, side, 3)


def _means(strip: np.ndarray) -> np.ndarray:
    return strip.mean(axis=(0, 2))


def _roughness(strip: np.ndarray) -> np.ndarray:
    """Mean step in green from a block of 2 x 2 pixels to the next, down and to the right, in each cell."""
    green = strip[..., 1]
    blocks = (green[0::2, :, 0::2] + green[1::2, :, 0::2] + green[0::2, :, 1::2] + green[1::2, :, 1::2]) / 4
    lines = blocks.reshape(len(blocks), -1)
    right = np.abs(np.diff(lines, axis=1, append=lines[:, -1:])).reshape(blocks.shape)
    down = np.abs(np.diff(blocks, axis=0, append=blocks[-1:]))
    return (right + down).mean(axis=(0, 2))


def _tone(cells: _Cells, shape: tuple[int, int]) -> np.ndarray:
    """Skin with something in it; where there is none, what is even and neither dark nor clipped."""
    smooth = 1 / (1 + np.square(cells.rough / TEXTURE))
    lit = np.interp(cells.luma, (SHADE, DARK), (0.0, 1.0)) * (cells.colour.max(-1) < CLIPPED)
    even = _window_means(smooth * lit, shape)
    skin = _window_means(smooth * lit * _is_skin(cells.colour), shape)
    alive = _window_means(np.minimum(cells.rough / EDGE, 1.0), shape)
    return even / 4 + np.minimum(skin, 0.5) * (1 + 4 * alive)


def _detail(cells: _Cells, shape: tuple[int, int]) -> np.ndarray:
    """Structure all over the window rather than one hard edge."""
    return _window_means(np.sqrt(np.clip(cells.rough - FLAT, 0, EDGE)), shape)


def _shadow(cells: _Cells, shape: tuple[int, int]) -> np.ndarray:
    """Dark and not black, the better the more there is in it."""
    luma = cells.luma
    deep = np.interp(luma, (BLACK, SHADE, DARK), (0.0, 1.0, 0.0))
    return _window_means(deep * (1 + np.minimum(cells.rough / TEXTURE, 1.0)), shape)


def _most_noise(cells: _Cells, shape: tuple[int, int]) -> np.ndarray:
    """What was removed."""
    return _window_means(cells.change, shape)


def _is_skin(colour: np.ndarray) -> np.ndarray:
    red, green = np.moveaxis(colour[..., :2] / np.maximum(colour.sum(-1, keepdims=True), 1.0), -1, 0)
    return (red > SKIN_RED[0]) & (red < SKIN_RED[1]) & (green > SKIN_GREEN[0]) & (green < SKIN_GREEN[1])


def _window_means(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Mean of each window of `shape` in `values` (H, W), by its first row and column."""
    height, width = shape
    sums = np.pad(values.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    corners: np.ndarray = (
        sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    )
    return corners / (height * width)


_SCORES: dict[PlaceKind, Callable[[_Cells, tuple[int, int]], np.ndarray]] = {
    PlaceKind.TONE: _tone,
    PlaceKind.DETAIL: _detail,
    PlaceKind.SHADOW: _shadow,
    PlaceKind.NOISE: _most_noise,
}
"""How much each window of so many cells is of a kind, by its first row and column; zero is not at all."""

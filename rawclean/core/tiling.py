"""Cut planes into tiles with true neighbours around them, and put the cores together again.

A tile is a core and a halo. Where the halo leaves the photo, samples are reflected at its border, again and again if
the photo is smaller than the halo; everywhere else they are the neighbours themselves. Cores begin at multiples of the
network's step, so that every tile sees the strided layers in the same phase and tiled equals whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Tile:
    """A core of planes, in samples of a plane."""

    top: int
    left: int
    height: int
    width: int


def cut(height: int, width: int, core: int) -> Iterator[Tile]:
    """Tiles with cores of at most `core` x `core` that cover (height, width), row by row."""
    for top in range(0, height, core):
        for left in range(0, width, core):
            yield Tile(top, left, min(core, height - top), min(core, width - left))


def gather(planes: np.ndarray, tile: Tile, halo: int, multiple_of: int) -> np.ndarray:
    """The tile of `planes` (4, H, W) with `halo` on each side, its far sides rounded up to `multiple_of`; a copy."""
    rows = _indices(tile.top, tile.height, halo, multiple_of, planes.shape[1])
    columns = _indices(tile.left, tile.width, halo, multiple_of, planes.shape[2])
    return planes[:, rows[:, None], columns]


def core_of(window: np.ndarray, tile: Tile, halo: int) -> np.ndarray:
    """The core of what `gather` returned, (4, tile.height, tile.width); a view."""
    return window[..., halo : halo + tile.height, halo : halo + tile.width]


def _indices(start: int, length: int, halo: int, multiple_of: int, size: int) -> np.ndarray:
    """Indices of a window along one axis of `size` samples, reflected without repeating the border."""
    padded = -(-(length + 2 * halo) // multiple_of) * multiple_of
    positions = np.arange(start - halo, start - halo + padded)
    period = max(1, 2 * (size - 1))
    folded = positions % period
    return np.minimum(folded, period - folded).clip(max=size - 1)

"""Cut planes into tiles with true neighbours around them, and put the cores together again.

A tile is a core and a halo. Where the halo leaves the photo, samples are reflected at its border without repeating it,
again and again if the photo is smaller than the halo; everywhere else they are the neighbours themselves. Cores begin
at multiples of the network's step, so that every tile sees the strided layers in the same phase and tiled equals whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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


def with_surroundings(planes: np.ndarray, halo: int, multiple_of: int) -> np.ndarray:
    """`planes` (P, H, W) in the middle of `halo` reflected samples on each side, the far sides rounded up; a copy."""
    around = ((halo, halo + -side % multiple_of) for side in planes.shape[1:])
    return np.pad(planes, [(0, 0), *around], "reflect")


def window_of(surrounded: np.ndarray, tile: Tile, halo: int, multiple_of: int) -> np.ndarray:
    """The tile of what `with_surroundings` returned, with its halo, sides rounded up to `multiple_of`; a view."""
    rows, columns = (whole_steps(length, multiple_of) + 2 * halo for length in (tile.height, tile.width))
    return surrounded[:, tile.top : tile.top + rows, tile.left : tile.left + columns]


def core_of(window: Any, halo: int) -> Any:
    """A window (..., H, W) without its halo; a view."""
    return window[..., halo : window.shape[-2] - halo, halo : window.shape[-1] - halo]


def whole_steps(length: int, multiple_of: int) -> int:
    """`length` rounded up to a multiple."""
    return -(-length // multiple_of) * multiple_of

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


@dataclass(frozen=True, slots=True)
class Tiling:
    """Tiles of one size over planes, the far ones sticking out: an engine prepares itself for every new size."""

    size: tuple[int, int]
    """Height and width of the planes."""
    side: tuple[int, int]
    """Of a tile, whole steps of the network."""
    halo: int

    @classmethod
    def of(cls, size: tuple[int, int], most: int, multiple_of: int, halo: int) -> "Tiling":
        """As few tiles as can be of at most `most` x `most`, whole steps of `multiple_of`, one step at least."""
        most = max(multiple_of, most // multiple_of * multiple_of)
        height, width = (whole_steps(-(-length // -(-length // most)), multiple_of) for length in size)
        return cls(size, (height, width), halo)

    def tiles(self) -> Iterator[Tile]:
        """The cores, row by row; together they are the planes."""
        for top in range(0, self.size[0], self.side[0]):
            for left in range(0, self.size[1], self.side[1]):
                yield Tile(top, left, min(self.side[0], self.size[0] - top), min(self.side[1], self.size[1] - left))

    def surrounded(self, planes: np.ndarray) -> np.ndarray:
        """`planes` (P, H, W) in the middle of as many reflected samples as the tiles reach out of them; a copy."""
        around = (
            (self.halo, self.halo + -length % side) for length, side in zip(planes.shape[1:], self.side, strict=True)
        )
        return np.pad(planes, [(0, 0), *around], "reflect")

    def window(self, surrounded: np.ndarray, tile: Tile) -> np.ndarray:
        """A tile of what `surrounded` returned, with its halo; a view."""
        rows, columns = (side + 2 * self.halo for side in self.side)
        return surrounded[:, tile.top : tile.top + rows, tile.left : tile.left + columns]


def core_of(window: Any, halo: int) -> Any:
    """A window (..., H, W) without its halo; a view."""
    return window[..., halo : window.shape[-2] - halo, halo : window.shape[-1] - halo]


def whole_steps(length: int, multiple_of: int) -> int:
    """`length` rounded up to a multiple."""
    return -(-length // multiple_of) * multiple_of

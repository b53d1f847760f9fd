"""The X-Trans mosaic of Fujifilm: 6x6 sites in four blocks of 3x3, packed into nine planes of one colour each.

Five sites of a block are green. Of the other four, the vertical pair is red and the horizontal one blue, or the other
way round, in turn like the squares of a chessboard (the parity of a block). Planes are G, G, G, G, G, R, R, B, B: what
moves with the parity is the place of red and blue inside the block, which a network must be told.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from rawclean.errors import UnsupportedSensorError

PERIOD, BLOCK = 6, 3
CANONICAL = ("GRGGBG", "BGBRGR", "GRGGBG", "GBGGRG", "RGRBGB", "GBGGRG")
"""Rows of the pattern from a block of parity 0."""
PLANE_COLOURS = (1, 1, 1, 1, 1, 0, 0, 2, 2)
"""Index into R, G, B of each plane."""
_GREENS, _VERTICAL, _HORIZONTAL = [0, 2, 4, 6, 8], [1, 7], [3, 5]
"""Sites of a block, row by row."""


@dataclass(frozen=True, slots=True)
class XTransPattern:
    """Where in the canonical pattern the top-left of a mosaic lies."""

    row: int
    column: int

    @classmethod
    def of_letters(cls, letters: str) -> "XTransPattern":
        """The pattern whose 36 sites are `letters`, row by row; raises UnsupportedSensorError where it is none."""
        for row in range(PERIOD):
            for column in range(PERIOD):
                pattern = cls(row, column)
                if pattern.letters == letters:
                    return pattern
        raise UnsupportedSensorError("a 6x6 colour pattern that is not X-Trans; this is not supported yet")

    @property
    def letters(self) -> str:
        """Colours of the top-left 6x6 sites."""
        return "".join(
            CANONICAL[(self.row + i) % PERIOD][(self.column + j) % PERIOD] for i in range(PERIOD) for j in range(PERIOD)
        )

    @property
    def name(self) -> str:
        """For people."""
        return "X-Trans"

    @property
    def samples_per_pixel(self) -> int:
        """One: a site sees one colour."""
        return 1

    def shifted(self, rows: int, columns: int) -> "XTransPattern":
        """The pattern of the same mosaic seen from a site further down and further right."""
        row, column = (self.row + rows) % PERIOD, (self.column + columns) % PERIOD
        return self.of_letters(XTransPattern(row, column).letters)

    def pack(self, samples: np.ndarray) -> np.ndarray:
        """Mosaic (H, W), both at least 12, to planes (9, 2h, 2w); missing sites repeat those one period inside."""
        rows = _whole_periods(samples.shape[0], self.row)
        columns = _whole_periods(samples.shape[1], self.column)
        return pack_xtrans(samples[rows[:, None], columns])

    def unpack(self, planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Undo `pack` for a mosaic of `size` (H, W)."""
        mosaic = unpack_xtrans(planes)
        return mosaic[self.row : self.row + size[0], self.column : self.column + size[1]]


def block_parity(planes: Any) -> Any:
    """Which blocks of planes (..., H, W) have red in the horizontal pair, bool (H, W)."""
    xp = array_namespace(planes)
    rows, columns = (xp.arange(side, device=device(planes)) for side in planes.shape[-2:])
    return (rows[:, None] + columns) % 2 == 1


def pack_xtrans(mosaic: Any) -> Any:
    """Mosaic (..., 6h, 6w) in the canonical phase to planes (..., 9, 2h, 2w)."""
    xp, rest = array_namespace(mosaic), mosaic.shape[:-2]
    rows, columns = (side // BLOCK for side in mosaic.shape[-2:])
    sites = mosaic.reshape(*rest, rows, BLOCK, columns, BLOCK)
    sites = xp.moveaxis(sites, (-3, -1), (-4, -3)).reshape(*rest, BLOCK**2, rows, columns)
    vertical, horizontal = sites[..., _VERTICAL, :, :], sites[..., _HORIZONTAL, :, :]
    odd = block_parity(sites)
    red, blue = xp.where(odd, horizontal, vertical), xp.where(odd, vertical, horizontal)
    return xp.concat([sites[..., _GREENS, :, :], red, blue], axis=-3)


def unpack_xtrans(planes: np.ndarray) -> np.ndarray:
    """Undo `pack_xtrans`: planes (9, 2h, 2w) to the mosaic (6h, 6w)."""
    red, blue = planes[5:7], planes[7:9]
    odd = block_parity(planes)
    sites = np.empty_like(planes)
    sites[_GREENS] = planes[:5]
    sites[_VERTICAL], sites[_HORIZONTAL] = np.where(odd, blue, red), np.where(odd, red, blue)
    height, width = planes.shape[-2:]
    return sites.reshape(BLOCK, BLOCK, height, width).transpose(2, 0, 3, 1).reshape(BLOCK * height, BLOCK * width)


def _whole_periods(length: int, before: int) -> np.ndarray:
    """Indices of an axis of `length` sites, with `before` more in front and as many behind as fill up a period."""
    after = -(before + length) % PERIOD
    positions = np.arange(-before, length + after)
    return positions + PERIOD * (positions < 0) - PERIOD * (positions >= length)

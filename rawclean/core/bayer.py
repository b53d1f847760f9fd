"""The Bayer mosaic: its four layouts, and packing into planes R, Gr, Gb, B.

Gr is the green of the red rows, Gb that of the blue rows. Samples never change place: a mosaic that does not begin
with red is extended by reflection until it does (Bayer pattern unification, Liu et al. 2019), and cropped on the way
back, so that every layout and every odd size gives the network the same geometry.
"""

from enum import Enum

import numpy as np


class BayerPattern(Enum):
    """Colours of the top-left 2x2 sites, row by row."""

    RGGB = "RGGB"
    BGGR = "BGGR"
    GRBG = "GRBG"
    GBRG = "GBRG"

    @property
    def samples_per_pixel(self) -> int:
        """One: a site sees one colour."""
        return 1

    @property
    def letters(self) -> str:
        """Colours of the top-left 2x2 sites, row by row."""
        return self.value

    def pack(self, samples: np.ndarray) -> np.ndarray:
        """As `pack_rggb`."""
        return pack_rggb(samples, self)

    def unpack(self, planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """As `unpack_rggb`."""
        return unpack_rggb(planes, self, size)

    @property
    def phase(self) -> tuple[int, int]:
        """Row and column of the red site, each 0 or 1."""
        return divmod(self.value.index("R"), 2)

    @property
    def plane_sites(self) -> tuple[tuple[int, int], ...]:
        """Row and column of the sites of R, Gr, Gb and B."""
        row, column = self.phase
        return ((row, column), (row, 1 - column), (1 - row, column), (1 - row, 1 - column))

    def shifted(self, rows: int, columns: int) -> "BayerPattern":
        """The pattern of the same mosaic seen from a site `rows` further down and `columns` further right."""
        sites = self.value
        return BayerPattern(
            "".join(sites[2 * ((row + rows) % 2) + (column + columns) % 2] for row in (0, 1) for column in (0, 1))
        )


def pack_rggb(mosaic: np.ndarray, pattern: BayerPattern) -> np.ndarray:
    """Pack `mosaic` (H, W) into planes (4, ceil((H + row) / 2), ceil((W + column) / 2)), red first.

    (row, column) is the phase of `pattern`; both sides of `mosaic` must be at least 2.
    """
    row, column = pattern.phase
    height, width = mosaic.shape
    extended = _extend(_extend(mosaic, 0, row, (height + row) % 2), 1, column, (width + column) % 2)
    return np.stack([extended[i::2, j::2] for i, j in BayerPattern.RGGB.plane_sites])


def unpack_rggb(planes: np.ndarray, pattern: BayerPattern, size: tuple[int, int]) -> np.ndarray:
    """Undo `pack_rggb`: planes (4, H', W') to the mosaic of `size` (H, W)."""
    row, column = pattern.phase
    mosaic = np.empty((2 * planes.shape[-2], 2 * planes.shape[-1]), planes.dtype)
    for plane, (i, j) in zip(planes, BayerPattern.RGGB.plane_sites, strict=True):
        mosaic[i::2, j::2] = plane
    return mosaic[row : row + size[0], column : column + size[1]]


def _extend(mosaic: np.ndarray, axis: int, before: int, after: int) -> np.ndarray:
    """Reflect up to one line at each end; the line next to the border keeps the colours in order."""
    width = [(0, 0), (0, 0)]
    width[axis] = (before, after)
    return np.pad(mosaic, width, "reflect") if before or after else mosaic

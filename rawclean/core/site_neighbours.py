"""The sites around a site of a mosaic that see the same colour, or another: nearest first, in offsets of the mosaic.

Beyond the border a mosaic goes on as its mirror image, so that colours stay in order; X-Trans, which has no mirror at
every border, goes on with its last period again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.xtrans import PERIOD, XTransPattern

REACH = 6
"""Sites to each side among which neighbours are sought."""
OWN = 24
"""Neighbours of the same colour that judge a site or replace it."""
CHUNK = 1 << 16
"""Sites that are looked at together, to bound the memory."""

Offsets = tuple[tuple[int, int], ...]
"""(row, column) pairs."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One place in the period of a layout."""

    row: int
    column: int
    period: int
    layout: Layout

    def colour(self, offset: tuple[int, int]) -> str:
        """The letter of the site at `offset` from this place."""
        return _letters(self.layout)[
            (self.row + offset[0]) % self.period * self.period + (self.column + offset[1]) % self.period
        ]

    def nearest(self, colour: str, count: int, beyond: int = 0) -> Offsets:
        """Offsets of the `count` nearest sites of a colour that are more than `beyond` rows or columns away."""
        return _nearest(self, colour, count, beyond)

    def split(self, places: np.ndarray) -> Iterator[np.ndarray]:
        """Those of `places` (N, 2) that lie at this phase of a mosaic, in chunks."""
        mine = (places[:, 0] % self.period == self.row) & (places[:, 1] % self.period == self.column)
        places = places[mine]
        return (places[start : start + CHUNK] for start in range(0, len(places), CHUNK))


def phases(layout: Layout) -> list[Phase]:
    """All phases of the mosaic `layout`, seen from its top-left."""
    period = math.isqrt(len(_letters(layout)))
    return [Phase(row, column, period, layout) for row in range(period) for column in range(period)]


def values_at(mosaic: np.ndarray, places: np.ndarray, offsets: Offsets, layout: Layout) -> np.ndarray:
    """What `mosaic` (H, W) holds at `offsets` from each of `places` (N, 2): (N, offsets)."""
    steps = np.array(offsets)
    period = PERIOD if isinstance(layout, XTransPattern) else 0
    rows, columns = (_inside(places[:, axis, None] + steps[:, axis], mosaic.shape[axis], period) for axis in (0, 1))
    return mosaic[rows, columns]


def _inside(index: np.ndarray, length: int, period: int) -> np.ndarray:
    """Indices before 0 and from `length` on, led back into the mosaic."""
    if period:
        index = index + period * (index < 0)
        return index - period * (index >= length)
    index = np.abs(index)
    return np.minimum(index, 2 * (length - 1) - index)


def _letters(layout: Layout) -> str:
    return "G" if isinstance(layout, PlainLayout) else layout.letters


@lru_cache(maxsize=1024)
def _nearest(phase: Phase, colour: str, count: int, beyond: int) -> Offsets:
    around = range(-REACH + 1, REACH)
    found = [
        (i * i + j * j, i, j)
        for i in around
        for j in around
        if max(abs(i), abs(j)) > beyond and phase.colour((i, j)) == colour
    ]
    return tuple((i, j) for _, i, j in sorted(found)[:count])

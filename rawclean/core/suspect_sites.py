"""Sites of a mosaic that may be bad: far from their own colour around them. What is seen of each, for a judge.

A hot or dead site stands alone; a star, a specular point or a thin line is spread by the lens over two sites at least
and shows at the sites of other colours beside it. All that is told of a site is in shares of its own height or in
standard deviations, so that one judge serves every level of noise and signal.
"""

from dataclasses import dataclass

import numpy as np

from rawclean.core.cores import on_all_cores
from rawclean.core.layout import Layout, plane_noise
from rawclean.core.noise import NoiseModel
from rawclean.core.site_neighbours import OWN, Offsets, Phase, phases, values_at
from rawclean.core.site_places import places_of
from rawclean.core.three_by_three import around

OTHERS = 16
"""Neighbours of each colour that say what is usual beside a site."""
LEAST_SIGMAS, LEAST_SPREADS = 6.0, 2.0
"""Standard deviations of the noise, and of the own neighbours, texture included, that a suspect is away from these."""
SIFT_SIGMAS, LEAST_TIMES, PATCH = 5.0, 7.0, 8
"""For a first look: standard deviations, and times the usual distance in a patch of a plane of this side."""
BAND = 8
"""Rows that are sifted together, so that they stay in the processor's cache."""
UNEVENNESS, FLOOR = 0.005, 3.5e-4
"""Deviations that no eye sees: share of the signal by which sound sites differ anyway, and of white."""
CELL = 6
"""Side of the cells in which suspects are counted: where points of light abound, as on wet leaves, one more is none."""
MOST_SIGMAS = 8.0
"""Standard deviations that tell no more."""
OWN_NEAREST = 8
FEATURES = 38
"""Numbers that are told of a site."""
_STRAIGHT: Offsets = ((-1, 0), (0, -1), (0, 1), (1, 0))
_DIAGONAL: Offsets = ((-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True, slots=True)
class SuspectSites:
    """N sites and what is seen of them."""

    places: np.ndarray
    """(N, 2), row and column."""
    features: np.ndarray
    """(N, FEATURES)."""


def find_suspects(signal: np.ndarray, layout: Layout, noise: NoiseModel) -> SuspectSites:
    """The sites of a linear mosaic `signal` (H, W) that its `noise` (4,) does not explain."""
    size = (signal.shape[0], signal.shape[1])
    outstanding = _outstanding(layout.pack(signal), plane_noise(layout, noise))
    places = places_of(layout.unpack(outstanding, size))
    mean = NoiseModel(noise.shot.mean(), noise.read.mean())

    def look_at(suspects: tuple[Phase, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        group = _Group.at(signal, suspects[1], suspects[0], mean)
        return group.places, group.seen(signal, mean)

    seen_at = on_all_cores(look_at, [(phase, chunk) for phase in phases(layout) for chunk in phase.split(places)])
    if not seen_at:
        return SuspectSites(places, np.empty((0, FEATURES), np.float32))
    places, seen = (np.concatenate(parts) for parts in zip(*seen_at, strict=True))
    return SuspectSites(places, np.concatenate([_crowd(places, size)[:, None], seen], axis=1))


@dataclass(frozen=True, slots=True)
class _Group:
    """Suspects at one phase of the mosaic; all but `places` and `own` are (N,)."""

    phase: Phase
    places: np.ndarray
    """(N, 2)."""
    own: np.ndarray
    """(N, OWN), the neighbours of the same colour, nearest first."""
    level: np.ndarray
    """Median of these."""
    sign: np.ndarray
    """1 of the bright, -1 of the dark."""
    height: np.ndarray
    """Distance from `level`."""
    spread: np.ndarray
    """Standard deviation of the own neighbours."""

    @classmethod
    def at(cls, signal: np.ndarray, places: np.ndarray, phase: Phase, noise: NoiseModel) -> "_Group":
        """Those of `places` (N, 2), all at one phase, that are far enough from their neighbours."""
        own = values_at(signal, places, phase.nearest(phase.colour((0, 0)), OWN), phase.layout)
        level = _middle(own)
        away = signal[places[:, 0], places[:, 1]] - level
        spread = own.std(1, ddof=1)
        limit = np.maximum(LEAST_SIGMAS * _deviation(level, noise), LEAST_SPREADS * spread)
        height = np.abs(away)
        kept = height > limit
        return cls(phase, places[kept], own[kept], level[kept], np.sign(away[kept]), height[kept], spread[kept])

    def seen(self, signal: np.ndarray, noise: NoiseModel) -> np.ndarray:
        """(N, FEATURES - 1): height and spread, what shows beside, the nearest of the own colour, and the levels."""
        phase, height, sign = self.phase, self.height[:, None], self.sign[:, None]
        beside = {phase.colour(offset) for offset in _STRAIGHT + _DIAGONAL}
        usual = {
            colour: _middle(values_at(signal, self.places, phase.nearest(colour, OTHERS, beyond=1), phase.layout))
            for colour in beside
        }
        rises, deviations, levels = [], [], []
        for offsets in (_STRAIGHT, _DIAGONAL):
            level = np.stack([usual[phase.colour(offset)] for offset in offsets], axis=1)
            rise = (values_at(signal, self.places, offsets, phase.layout) - level) * sign
            rises.append(_falling(rise))
            deviations.append(_deviation(level, noise))
            levels.append(level)
        deviation, levels_beside = np.concatenate(deviations, 1).mean(1, keepdims=True), np.concatenate(levels, 1)
        own = (self.own - self.level[:, None]) * sign / height
        near, far = _falling(own[:, :OWN_NEAREST]), _falling(own)
        own_deviation = _deviation(self.level, noise)[:, None]
        spread = np.maximum(self.spread[:, None], own_deviation / MOST_SIGMAS)
        sizes = [height / own_deviation, height / spread, deviation / height, spread / own_deviation]
        signals = [self.level[:, None], self.level[:, None] + sign * height, levels_beside.max(1, keepdims=True)]
        return np.concatenate(
            [
                *(np.log(size) for size in sizes),
                *(rise / height for rise in rises),
                *((rise / deviation).clip(-MOST_SIGMAS, MOST_SIGMAS) for rise in rises),
                *(near[:, :4], near[:, -2:], far[:, :3], far[:, -3:]),
                *(sign, *(value.clip(0, 1.2) for value in (*signals, levels_beside.mean(1, keepdims=True)))),
            ],
            axis=1,
        )


def _outstanding(planes: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """Samples of planes (P, H, W) far above or below both pairs of opposite neighbours; one of a pair may agree."""
    found = np.empty(planes.shape, bool)
    shot, read = noise.shot[:, None, None], noise.read[:, None, None] + np.float32(FLOOR**2)
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), "reflect")

    def sift(top: int) -> None:
        rows = padded[:, top : top + BAND + 2]
        here, left, right = rows[:, 1:-1, 1:-1], rows[:, 1:-1, :-2], rows[:, 1:-1, 2:]
        up, down = rows[:, :-2, 1:-1], rows[:, 2:, 1:-1]
        high = np.maximum(np.minimum(left, right), np.minimum(up, down))
        low = np.minimum(np.maximum(left, right), np.maximum(up, down))
        away = np.maximum(here - high, low - here)
        away.clip(min=0, out=away)
        level = high.clip(min=0, out=high)
        variance = level * np.float32(UNEVENNESS**2)
        variance += shot
        variance *= level
        variance += read
        away /= np.sqrt(variance, out=variance)
        limit = (LEAST_TIMES * _usual(away)).clip(min=SIFT_SIGMAS)
        np.greater(away, limit, out=found[:, top : top + BAND])

    on_all_cores(sift, range(0, planes.shape[1], BAND))
    return found


def _usual(away: np.ndarray) -> np.ndarray:
    """The usual distance (1, H, W) in the patch of each sample, of all planes: the square of the mean root.

    Single sites hardly move it.
    """
    rows, columns = away.shape[1:]
    roots = np.sqrt(away).mean(0)
    tops, lefts = np.arange(0, rows, PATCH), np.arange(0, columns, PATCH)
    sums = np.add.reduceat(np.add.reduceat(roots, lefts, axis=1), tops, axis=0)
    counts = np.minimum(rows - tops, PATCH)[:, None] * np.minimum(columns - lefts, PATCH)
    patches = np.square(sums / counts.astype(np.float32))
    return patches.repeat(PATCH, 0)[:rows].repeat(PATCH, 1)[None, :, :columns]


def _deviation(level: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """Standard deviation by which sound sites differ at a `level`: the noise, and what no eye sees."""
    level = level.clip(min=0)
    return np.sqrt(noise.shot * level + noise.read + np.square(UNEVENNESS * level) + np.float32(FLOOR**2))


def _middle(values: np.ndarray) -> np.ndarray:
    """The median of each row of an even number of values (N, n)."""
    half = values.shape[1] // 2
    return np.partition(values, (half - 1, half), axis=1)[:, half - 1 : half + 1].mean(1)


def _falling(values: np.ndarray) -> np.ndarray:
    """Each row of values (N, n), the largest first."""
    return np.sort(values, axis=1)[:, ::-1]


def _crowd(places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Logarithm of how many of `places` (N, 2) lie in the cell of each and the eight cells around it."""
    rows, columns = (-(-side // CELL) for side in size)
    cells = (places[:, 0] // CELL) * columns + places[:, 1] // CELL
    counts = np.bincount(cells, minlength=rows * columns).reshape(rows, columns)
    crowds = np.add.reduce(around(counts, beyond=0))
    return np.log1p(crowds.ravel()[cells]).astype(np.float32)

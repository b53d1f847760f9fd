"""Sites of a mosaic that may be bad: far from their own colour around them. What is seen of each, for a judge.

A hot or dead site stands alone; a star, a specular point or a thin line is spread by the lens over two sites at least
and shows at the sites of other colours beside it. All that is told of a site is in shares of its own height or in
standard deviations, so that one judge serves every level of noise and signal.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.layout import Layout, plane_noise
from rawclean.core.noise import NoiseModel
from rawclean.core.site_neighbours import OWN, Offsets, Phase, phases, values_at

OTHERS = 16
"""Neighbours of each colour that say what is usual beside a site."""
LEAST_SIGMAS, LEAST_SPREADS = 6.0, 2.0
"""Standard deviations of the noise, and of the own neighbours, texture included, that a suspect is away from these."""
SIFT_SIGMAS, LEAST_TIMES, PATCH = 5.0, 7.0, 8
"""For a first look: standard deviations, and times the usual distance in a patch of a plane of this side."""
BAND = 32
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

    places: Tensor
    """(N, 2), row and column."""
    features: Tensor
    """(N, FEATURES)."""


def find_suspects(signal: Tensor, layout: Layout, noise: NoiseModel) -> SuspectSites:
    """The sites of a linear mosaic `signal` (H, W) that its `noise` (4,) does not explain."""
    size = (signal.shape[0], signal.shape[1])
    outstanding = _outstanding(layout.pack(signal), plane_noise(layout, noise))
    places = layout.unpack(outstanding, size).nonzero()
    mean = NoiseModel(noise.shot.mean(), noise.read.mean())
    groups = [_Group.at(signal, chunk, phase, mean) for phase in phases(layout) for chunk in phase.split(places)]
    if not groups:
        return SuspectSites(places, torch.empty(0, FEATURES))
    places = torch.cat([group.places for group in groups])
    seen = torch.cat([group.seen(signal, mean) for group in groups])
    return SuspectSites(places, torch.cat([_crowd(places, size)[:, None], seen], dim=1))


@dataclass(frozen=True, slots=True)
class _Group:
    """Suspects at one phase of the mosaic; all but `places` and `own` are (N,)."""

    phase: Phase
    places: Tensor
    """(N, 2)."""
    own: Tensor
    """(N, OWN), the neighbours of the same colour, nearest first."""
    level: Tensor
    """Median of these."""
    sign: Tensor
    """1 of the bright, -1 of the dark."""
    height: Tensor
    """Distance from `level`."""
    spread: Tensor
    """Standard deviation of the own neighbours."""

    @classmethod
    def at(cls, signal: Tensor, places: Tensor, phase: Phase, noise: NoiseModel) -> "_Group":
        """Those of `places` (N, 2), all at one phase, that are far enough from their neighbours."""
        own = values_at(signal, places, phase.nearest(phase.colour((0, 0)), OWN), phase.layout)
        level = _middle(own)
        away = signal[places[:, 0], places[:, 1]] - level
        spread = own.std(1)
        limit = torch.maximum(LEAST_SIGMAS * _deviation(level, noise), LEAST_SPREADS * spread)
        kept = away.abs() > limit
        return cls(phase, places[kept], own[kept], level[kept], away[kept].sign(), away[kept].abs(), spread[kept])

    def seen(self, signal: Tensor, noise: NoiseModel) -> Tensor:
        """(N, FEATURES - 1): height and spread, what shows beside, the nearest of the own colour, and the levels."""
        phase, height, sign = self.phase, self.height[:, None], self.sign[:, None]
        beside = {phase.colour(offset) for offset in _STRAIGHT + _DIAGONAL}
        usual = {
            colour: _middle(values_at(signal, self.places, phase.nearest(colour, OTHERS, beyond=1), phase.layout))
            for colour in beside
        }
        rises, deviations, levels = [], [], []
        for offsets in (_STRAIGHT, _DIAGONAL):
            level = torch.stack([usual[phase.colour(offset)] for offset in offsets], dim=1)
            rise = (values_at(signal, self.places, offsets, phase.layout) - level) * sign
            rises.append(rise.sort(1, descending=True).values)
            deviations.append(_deviation(level, noise))
            levels.append(level)
        deviation, levels_beside = torch.cat(deviations, 1).mean(1, keepdim=True), torch.cat(levels, 1)
        own = (self.own - self.level[:, None]) * sign / height
        near, far = (values.sort(1, descending=True).values for values in (own[:, :OWN_NEAREST], own))
        own_deviation = _deviation(self.level, noise)[:, None]
        spread = torch.maximum(self.spread[:, None], own_deviation / MOST_SIGMAS)
        sizes = [height / own_deviation, height / spread, deviation / height, spread / own_deviation]
        signals = [self.level[:, None], self.level[:, None] + sign * height, levels_beside.amax(1, keepdim=True)]
        return torch.cat(
            [
                *(size.log() for size in sizes),
                *(rise / height for rise in rises),
                *((rise / deviation).clamp(-MOST_SIGMAS, MOST_SIGMAS) for rise in rises),
                *(near[:, :4], near[:, -2:], far[:, :3], far[:, -3:]),
                *(sign, *(value.clamp(0, 1.2) for value in (*signals, levels_beside.mean(1, keepdim=True)))),
            ],
            dim=1,
        )


def _outstanding(planes: Tensor, noise: NoiseModel) -> Tensor:
    """Samples of planes (P, H, W) far above or below both pairs of opposite neighbours; one of a pair may agree."""
    found = torch.empty(planes.shape, dtype=torch.bool)
    shot, read = noise.shot[:, None, None], noise.read[:, None, None] + FLOOR**2
    padded = torch.nn.functional.pad(planes[None], (1, 1, 1, 1), mode="reflect")[0]
    for top in range(0, planes.shape[1], BAND):
        rows = padded[:, top : top + BAND + 2]
        here, left, right = rows[:, 1:-1, 1:-1], rows[:, 1:-1, :-2], rows[:, 1:-1, 2:]
        up, down = rows[:, :-2, 1:-1], rows[:, 2:, 1:-1]
        high = torch.maximum(torch.minimum(left, right), torch.minimum(up, down))
        low = torch.minimum(torch.maximum(left, right), torch.maximum(up, down))
        away = torch.maximum(here - high, low - here).clamp_(min=0)
        level = high.clamp_(min=0)
        away.div_(level.mul(UNEVENNESS**2).add_(shot).mul_(level).add_(read).sqrt_())
        torch.gt(away, _usual(away).mul_(LEAST_TIMES).clamp_(min=SIFT_SIGMAS), out=found[:, top : top + BAND])
    return found


def _usual(away: Tensor) -> Tensor:
    """The usual distance (1, H, W) in the patch of each sample, of all planes: the square of the mean root.

    Single sites hardly move it.
    """
    rows, columns = away.shape[1:]
    patches = torch.nn.functional.avg_pool2d(away.sqrt()[None], PATCH, ceil_mode=True)[0].mean(0).square_()
    return patches.repeat_interleave(PATCH, 0)[:rows].repeat_interleave(PATCH, 1)[None, :, :columns]


def _deviation(level: Tensor, noise: NoiseModel) -> Tensor:
    """Standard deviation by which sound sites differ at a `level`: the noise, and what no eye sees."""
    level = level.clamp(min=0)
    return (noise.shot * level + noise.read + (UNEVENNESS * level).square() + FLOOR**2).sqrt()


def _middle(values: Tensor) -> Tensor:
    """The median of each row of an even number of values (N, n)."""
    return (values.median(1).values - (-values).median(1).values) / 2


def _crowd(places: Tensor, size: tuple[int, int]) -> Tensor:
    """Logarithm of how many of `places` (N, 2) lie in the cell of each and the eight cells around it."""
    rows, columns = (-(-side // CELL) for side in size)
    cells = (places[:, 0] // CELL) * columns + places[:, 1] // CELL
    counts = torch.bincount(cells, minlength=rows * columns).reshape(1, rows, columns).float()
    around = torch.nn.functional.avg_pool2d(counts, 3, stride=1, padding=1)[0] * 9
    return around.flatten()[cells].log1p()

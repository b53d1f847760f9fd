"""Bad pixels: sites that stand alone far outside the noise, and those that the file names, replaced by neighbours.

A hot or dead site differs from its own colour around it by many standard deviations, and nothing happens at the sites
of other colours beside it. A star, a specular point or a thin line is spread by the lens over two sites at least: it
shows beside it too, and where such points abound, as on wet leaves, one more is no fault of the sensor.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.choices import BadPixels
from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout, PlainLayout, plane_noise
from rawclean.core.noise import NoiseModel
from rawclean.core.site_neighbours import Offsets, Phase, phases, values_at

OWN, OTHERS, NEAREST_GOOD = 24, 16, 8
"""Neighbours of the same colour that judge a site, of each colour that say what is beside it, and that replace it."""
LEAST_SIGMAS = 7.0
"""Standard deviations of the noise beyond which a site may be bad; a sigma told 30 % too low makes it 4.9."""
LEAST_SPREADS, SUSPECT_SPREADS = 4.5, 3.0
"""Standard deviations of the own neighbours, noise and texture, beyond which a site may be bad, and is a suspect."""
BAND = 32
"""Rows that are sifted together, so that they stay in the processor's cache."""
SIFT_SIGMAS = 5.0
PATCH, LEAST_TIMES = 8, 8.5
"""Side of a patch of a plane, and how many times its usual distance, with which texture counts, a bad site has."""
UNEVENNESS, FLOOR = 0.005, 3.5e-4
"""Deviations that no eye sees: share of the signal by which sound sites differ anyway, and of white."""
DIAGONAL = 0.35
"""What a diagonal neighbour shows of a point, compared with a straight one."""
SUM_SIGMAS, SUM_SHARE = 2.0, 0.18
PEAK_SIGMAS, PEAK_SHARE = 3.5, 0.25
"""Of all neighbours but the highest, and of the highest: what they must show of a deviation for it to be real, in
standard deviations of their noise and as a share of the deviation."""
LIFT = 6.0
"""A point of light is so many times brighter than what it adds to the sites beside it on average."""
NEAR_WHITE, WHITE_SIGMAS = 0.5, 3.0
"""Signal of the other colours from which on a site at white, within its noise, is a highlight: one colour clips before
the others."""
CELL, SPARSE, CROWD = 6, 0.5, 0.1
"""Side of the cells in which suspects are counted, suspects around a site that mean nothing, and by how much each
further one raises LEAST_SPREADS."""
MAX_ROUNDS = 8
"""Times that sites which have been replaced serve as neighbours of those that had none."""
_BESIDE: Offsets = tuple((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))


@dataclass(frozen=True, slots=True)
class MappedFrame:
    """A photo whose bad pixels have been replaced."""

    frame: RawFrame
    count: int
    """Visible sites that were replaced."""


def map_bad_pixels(frame: RawFrame, noise: NoiseModel, choice: BadPixels) -> MappedFrame:
    """Replace the visible sites of `frame` that the file names, or that stand alone in `noise` (4,), as chosen.

    Masked borders stay, and so does a demosaiced image, where a bad site has long become a blot.
    """
    if choice is BadPixels.OFF or frame.layout is PlainLayout.LINEAR_RGB:
        return MappedFrame(frame, 0)
    signal = frame.levels.to_linear(frame.samples)
    bad = visible_listed(frame)
    if choice is BadPixels.AUTO:
        first = repaired(signal, bad, frame.layout) if bool(bad.any()) else signal
        bad = bad | find_bad_sites(first, frame.layout, noise)
    count = int(bad.sum())
    if not count:
        return MappedFrame(frame, 0)
    sound = frame.samples.clone()
    sound[bad] = frame.levels.to_adu_at(repaired(signal, bad, frame.layout)[bad], bad.nonzero())
    return MappedFrame(frame.with_samples(sound), count)


def visible_listed(frame: RawFrame) -> Tensor:
    """Which visible sites (H, W) the file names, bool."""
    area = frame.active
    if frame.listed_bad is None:
        return torch.zeros(area.height, area.width, dtype=torch.bool)
    return frame.listed_bad[area.top : area.top + area.height, area.left : area.left + area.width]


def find_bad_sites(signal: Tensor, layout: Layout, noise: NoiseModel) -> Tensor:
    """The isolated hot and dead sites of a linear mosaic `signal` (H, W) with `noise` (4,), bool (H, W)."""
    size = (signal.shape[0], signal.shape[1])
    planes = plane_noise(layout, noise)
    places = layout.unpack(_outstanding(layout.pack(signal), planes), size).nonzero()
    mean = NoiseModel(noise.shot.mean(), noise.read.mean())
    suspects = [_suspects(signal, chunk, phase, mean) for phase in phases(layout) for chunk in phase.split(places)]
    bad = torch.zeros(size, dtype=torch.bool)
    if not suspects:
        return bad
    crowd = _crowd(torch.cat([each.places for each in suspects]), size)
    for each in suspects:
        found = each.places[each.stand_out(crowd) & ~_shows_beside(signal, each, mean)]
        bad[found[:, 0], found[:, 1]] = True
    return bad


def repaired(signal: Tensor, bad: Tensor, layout: Layout) -> Tensor:
    """The mosaic `signal` (H, W) with `bad` sites, bool, replaced by the median of their nearest good neighbours.

    Inside a large bad area the border is repaired first; what no good site is near to stays.
    """
    places = bad.nonzero()
    if not len(places):
        return signal
    signal, bad = signal.clone(), bad.clone()
    for _ in range(MAX_ROUNDS):
        done = [_medians(signal, bad, chunk, phase) for phase in phases(layout) for chunk in phase.split(places)]
        for mended, middle in done:
            signal[mended[:, 0], mended[:, 1]] = middle
            bad[mended[:, 0], mended[:, 1]] = False
        places = places[bad[places[:, 0], places[:, 1]]]
        if not len(places):
            break
    return signal


def _medians(signal: Tensor, bad: Tensor, places: Tensor, phase: Phase) -> tuple[Tensor, Tensor]:
    """Those of `places` (N, 2) that have good neighbours, and the median of the nearest of these."""
    own = phase.nearest(phase.colour((0, 0)), OWN)
    good = ~values_at(bad, places, own, phase.layout)
    mended = places[good.any(1)]
    good = good[good.any(1)]
    good &= good.cumsum(1) <= NEAREST_GOOD
    values = values_at(signal, mended, own, phase.layout).masked_fill(~good, torch.nan)
    return mended, values.nanmedian(1).values if len(mended) else values.sum(1)


@dataclass(frozen=True, slots=True)
class _Suspects:
    """Sites that stand out from their own colour; all but `places` are (N,)."""

    places: Tensor
    """(N, 2)."""
    phase: Phase
    sign: Tensor
    """1 of the bright, -1 of the dark."""
    height: Tensor
    """Distance from `level`."""
    level: Tensor
    """Median of the own neighbours."""
    spread: Tensor
    """Their standard deviation."""

    def stand_out(self, crowd: Tensor) -> Tensor:
        """Whether they do so among as many other suspects as `crowd`, in cells, says."""
        others = crowd[self.places[:, 0] // CELL, self.places[:, 1] // CELL] - 1
        return self.height > LEAST_SPREADS * (1 + CROWD * (others - SPARSE).clamp(min=0)) * self.spread


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


def _variance(level: Tensor, noise: NoiseModel) -> Tensor:
    """By how much sound sites differ at a `level`: the noise, and what no eye sees."""
    level = level.clamp(min=0)
    return noise.shot * level + noise.read + (UNEVENNESS * level).square()


def _middle(values: Tensor) -> Tensor:
    """The median of each row of an even number of values (N, n)."""
    return (values.median(1).values - (-values).median(1).values) / 2


def _suspects(signal: Tensor, places: Tensor, phase: Phase, noise: NoiseModel) -> _Suspects:
    """Those of `places` (N, 2), all at one phase, that the noise does not explain."""
    own = values_at(signal, places, phase.nearest(phase.colour((0, 0)), OWN), phase.layout)
    middle = _middle(own)
    away = signal[places[:, 0], places[:, 1]] - middle
    spread = own.std(1)
    limit = LEAST_SIGMAS**2 * (_variance(middle, noise) + FLOOR**2)
    kept = (away.square() > limit) & (away.abs() > SUSPECT_SPREADS * spread)
    return _Suspects(places[kept], phase, away[kept].sign(), away[kept].abs(), middle[kept], spread[kept])


def _crowd(places: Tensor, size: tuple[int, int]) -> Tensor:
    """How many of `places` (N, 2) lie in each cell of the mosaic and the eight around it."""
    rows, columns = (-(-side // CELL) for side in size)
    index = (places[:, 0] // CELL) * columns + places[:, 1] // CELL
    counts = torch.bincount(index, minlength=rows * columns).reshape(1, rows, columns).float()
    return torch.nn.functional.avg_pool2d(counts, 3, stride=1, padding=1)[0] * 9


def _shows_beside(signal: Tensor, suspects: _Suspects, noise: NoiseModel) -> Tensor:
    """Whether the sites beside, against their own colours further out, show what the suspects do; (N,)."""
    phase, places = suspects.phase, suspects.places
    if not len(places):
        return torch.zeros(0, dtype=torch.bool)
    around = {
        colour: _middle(values_at(signal, places, phase.nearest(colour, OTHERS, beyond=1), phase.layout))
        for colour in {phase.colour(offset) for offset in _BESIDE}
    }
    is_highlight = _is_highlight(signal, suspects, torch.stack(list(around.values()), dim=1), noise)
    level = torch.stack([around[phase.colour(offset)] for offset in _BESIDE], dim=1)
    rise = (values_at(signal, places, _BESIDE, phase.layout) - level) * suspects.sign[:, None]
    return is_highlight | _shares(rise, _variance(level, noise), suspects.height) | _is_lifted(rise, suspects, noise)


def _shares(rise: Tensor, variance: Tensor, height: Tensor) -> Tensor:
    """Whether the `rise` (N, 8) of the sites beside, with its `variance`, is part of a point of some `height`."""
    weights = torch.tensor([DIAGONAL if i and j else 1.0 for i, j in _BESIDE])
    weighted = rise * weights
    total = weighted.sum(1) - weighted.amax(1)
    sum_sigma = (variance * weights.square()).sum(1).sqrt()
    peak, index = rise.max(1)
    peak_sigma = variance.gather(1, index[:, None])[:, 0].sqrt()
    sum_shows = total > torch.maximum(SUM_SHARE * height, SUM_SIGMAS * sum_sigma)
    return sum_shows | (peak > torch.maximum(PEAK_SHARE * height, PEAK_SIGMAS * peak_sigma))


def _is_lifted(rise: Tensor, suspects: _Suspects, noise: NoiseModel) -> Tensor:
    """Whether a suspect may be the shot noise of a light that lifts the sites beside it, too."""
    light = suspects.level + LIFT * rise.mean(1).clamp(min=0) * (suspects.sign > 0)
    return suspects.height.square() <= LEAST_SIGMAS**2 * _variance(light, noise)


def _is_highlight(signal: Tensor, suspects: _Suspects, around: Tensor, noise: NoiseModel) -> Tensor:
    """Whether the suspects are at white amid other colours, `around` (N, colours), that are near it."""
    white_sigma = float(_variance(torch.ones(()), noise).sqrt())
    value = signal[suspects.places[:, 0], suspects.places[:, 1]]
    at_white = (value - 1).abs() <= WHITE_SIGMAS * white_sigma
    return at_white & (suspects.sign > 0) & (around.amax(1) > NEAR_WHITE)

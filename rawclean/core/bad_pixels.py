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

OWN, OTHERS, NEAREST_GOOD = 24, 8, 8
"""Neighbours of the same colour that judge a site, of each colour that say what is beside it, and that replace it."""
LEAST_SIGMAS = 7.0
"""Standard deviations of the noise beyond which a site may be bad; a sigma told 30 % too low makes it 4.9."""
LEAST_SPREADS = 7.5
"""Standard deviations of the own neighbours, noise and texture, beyond which a site may be bad."""
BAND = 64
"""Rows that are sifted together, so that they stay in the processor's cache."""
SIFT_SIGMAS = 5.0
PATCH, LEAST_TIMES = 8, 8.0
"""Side of a patch of a plane, and how many times its usual distance, with which texture counts, a bad site has."""
UNEVENNESS, FLOOR = 0.005, 3.5e-4
"""Deviations that no eye sees: share of the signal by which sound sites differ anyway, and of white."""
DIAGONAL = 0.35
"""What a diagonal neighbour shows of a point, compared with a straight one."""
SUM_SIGMAS, SUM_SHARE = 2.0, 0.18
PEAK_SIGMAS, PEAK_SHARE = 3.5, 0.25
"""Of all neighbours but the highest, and of the highest: what they must show of a deviation for it to be real, in
standard deviations of their noise and as a share of the deviation."""
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
    sound = frame.levels.to_adu(repaired(signal, bad, frame.layout))
    return MappedFrame(frame.with_samples(torch.where(bad, sound, frame.samples)), count)


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
    signal, bad = signal.clone(), bad.clone()
    for _ in range(MAX_ROUNDS):
        places, done = bad.nonzero(), []
        if not len(places):
            break
        for phase in phases(layout):
            own = phase.nearest(phase.colour((0, 0)), OWN)
            for chunk in phase.split(places):
                usable = ~values_at(bad, chunk, own, layout)
                chunk, usable = chunk[usable.any(1)], usable[usable.any(1)]
                usable &= usable.cumsum(1) <= NEAREST_GOOD
                values = values_at(signal, chunk, own, layout)
                middle = values.masked_fill(~usable, torch.nan).nanmedian(1).values
                done.append((chunk, middle))
        for chunk, middle in done:
            signal[chunk[:, 0], chunk[:, 1]] = middle
            bad[chunk[:, 0], chunk[:, 1]] = False
    return signal


@dataclass(frozen=True, slots=True)
class _Suspects:
    """Sites that stand out from their own colour; all but `places` are (N,)."""

    places: Tensor
    """(N, 2)."""
    phase: Phase
    sign: Tensor
    """1 of the bright, -1 of the dark."""
    height: Tensor
    """Distance from the median of the own neighbours."""
    spread: Tensor
    """Standard deviation of the own neighbours."""

    def stand_out(self, crowd: Tensor) -> Tensor:
        """Whether they do so among as many other suspects as `crowd`, in cells, says."""
        others = crowd[self.places[:, 0] // CELL, self.places[:, 1] // CELL] - 1
        return self.height > LEAST_SPREADS * (1 + CROWD * (others - SPARSE).clamp(min=0)) * self.spread


def _outstanding(planes: Tensor, noise: NoiseModel) -> Tensor:
    """Samples of planes (P, H, W) that are above or below both pairs of opposite neighbours; one of a pair may agree."""
    found = torch.empty(planes.shape, dtype=torch.bool)
    for plane, shot, read, result in zip(planes, noise.shot.tolist(), noise.read.tolist(), found, strict=True):
        padded = torch.nn.functional.pad(plane[None, None], (1, 1, 1, 1), mode="reflect")[0, 0]
        for top in range(0, len(plane), BAND):
            rows = padded[top : top + BAND + 2]
            here, left, right = rows[1:-1, 1:-1], rows[1:-1, :-2], rows[1:-1, 2:]
            up, down = rows[:-2, 1:-1], rows[2:, 1:-1]
            high = torch.maximum(torch.minimum(left, right), torch.minimum(up, down))
            low = torch.minimum(torch.maximum(left, right), torch.maximum(up, down))
            away = torch.maximum(here - high, low - here).clamp_(min=0)
            usual = _spread_out(torch.nn.functional.avg_pool2d(away[None], PATCH, ceil_mode=True)[0], away)
            level = high.clamp_(min=0)
            limit = level.mul(UNEVENNESS**2).add_(shot).mul_(level).add_(read + FLOOR**2).mul_(SIFT_SIGMAS**2)
            torch.gt(away.square_(), torch.maximum(limit, usual.mul_(LEAST_TIMES).square_()), out=result[top : top + BAND])
    return found


def _spread_out(patches: Tensor, like: Tensor) -> Tensor:
    """Values of patches at each of their samples."""
    rows, columns = like.shape
    return patches.repeat_interleave(PATCH, 0)[:rows].repeat_interleave(PATCH, 1)[:, :columns]


def _variance(level: Tensor, noise: NoiseModel) -> Tensor:
    """By how much sound sites differ at a `level`: the noise, and what no eye sees."""
    level = level.clamp(min=0)
    return noise.shot * level + noise.read + (UNEVENNESS * level).square()


def _suspects(signal: Tensor, places: Tensor, phase: Phase, noise: NoiseModel) -> _Suspects:
    """Those of `places` (N, 2), all at one phase, that the noise does not explain."""
    own = values_at(signal, places, phase.nearest(phase.colour((0, 0)), OWN), phase.layout)
    middle = own.median(1).values
    away = signal[places[:, 0], places[:, 1]] - middle
    spread = own.std(1)
    limit = LEAST_SIGMAS**2 * (_variance(middle, noise) + FLOOR**2)
    kept = (away.square() > limit) & (away.abs() > LEAST_SPREADS / 2 * spread)
    return _Suspects(places[kept], phase, away[kept].sign(), away[kept].abs(), spread[kept])


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
    beside = values_at(signal, places, _BESIDE, phase.layout)
    around = {
        colour: values_at(signal, places, phase.nearest(colour, OTHERS, beyond=1), phase.layout).median(1).values
        for colour in {phase.colour(offset) for offset in _BESIDE}
    }
    level = torch.stack([around[phase.colour(offset)] for offset in _BESIDE], dim=1)
    weights = torch.tensor([DIAGONAL if i and j else 1.0 for i, j in _BESIDE])
    rise, variance = (beside - level) * suspects.sign[:, None], _variance(level, noise)
    weighted = rise * weights
    total = weighted.sum(1) - weighted.amax(1)
    sum_shows = total > torch.maximum(
        SUM_SHARE * suspects.height, SUM_SIGMAS * (variance * weights.square()).sum(1).sqrt()
    )
    peak, index = rise.max(1)
    peak_sigma = variance.gather(1, index[:, None])[:, 0].sqrt()
    return sum_shows | (peak > torch.maximum(PEAK_SHARE * suspects.height, PEAK_SIGMAS * peak_sigma))

"""Bad pixels: which the file names, and how sites that are bad are replaced by their neighbours."""

import torch
from torch import Tensor

from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout
from rawclean.core.site_neighbours import OWN, Phase, phases, values_at

NEAREST_GOOD = 8
"""Neighbours of the same colour that replace a site."""
MAX_ROUNDS = 8
"""Times that sites which have been replaced serve as neighbours of those that had none."""


def visible_listed(frame: RawFrame) -> Tensor:
    """Which visible sites (H, W) the file names, bool."""
    area = frame.active
    if frame.listed_bad is None:
        return torch.zeros(area.height, area.width, dtype=torch.bool)
    return frame.listed_bad[area.top : area.top + area.height, area.left : area.left + area.width]


def repaired(signal: Tensor, bad: Tensor, layout: Layout) -> Tensor:
    """The mosaic `signal` (H, W) with `bad` sites, bool, replaced by the median of their nearest good neighbours.

    Inside a large bad area the border is repaired first; what no good site is near to stays.
    """
    if not bool(bad.any()):
        return signal
    places, signal, bad = bad.nonzero(), signal.clone(), bad.clone()
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

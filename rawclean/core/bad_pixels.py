"""Bad pixels: which the file names, and how sites that are bad are replaced by their neighbours."""

import numpy as np

from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout
from rawclean.core.site_neighbours import OWN, Phase, phases, values_at
from rawclean.core.site_places import places_of

NEAREST_GOOD = 8
"""Neighbours of the same colour that replace a site."""
MAX_ROUNDS = 8
"""Times that sites which have been replaced serve as neighbours of those that had none."""


def visible_listed(frame: RawFrame) -> np.ndarray:
    """Which visible sites (H, W) the file names, bool."""
    area = frame.active
    if frame.listed_bad is None:
        return np.zeros((area.height, area.width), bool)
    return frame.listed_bad[area.top : area.top + area.height, area.left : area.left + area.width]


def repaired(signal: np.ndarray, bad: np.ndarray, layout: Layout) -> np.ndarray:
    """The mosaic `signal` (H, W) with `bad` sites, bool, replaced by the median of their nearest good neighbours.

    Inside a large bad area the border is repaired first; what no good site is near to stays.
    """
    if not bad.any():
        return signal
    places, signal, bad = places_of(bad), signal.copy(), bad.copy()
    for _ in range(MAX_ROUNDS):
        done = [_medians(signal, bad, chunk, phase) for phase in phases(layout) for chunk in phase.split(places)]
        for mended, middle in done:
            signal[mended[:, 0], mended[:, 1]] = middle
            bad[mended[:, 0], mended[:, 1]] = False
        places = places[bad[places[:, 0], places[:, 1]]]
        if not len(places):
            break
    return signal


def _medians(signal: np.ndarray, bad: np.ndarray, places: np.ndarray, phase: Phase) -> tuple[np.ndarray, np.ndarray]:
    """Those of `places` (N, 2) that have good neighbours, and the median of the nearest of these."""
    own = phase.nearest(phase.colour((0, 0)), OWN)
    good = ~values_at(bad, places, own, phase.layout)
    mended = places[good.any(1)]
    good = good[good.any(1)]
    good &= good.cumsum(1) <= NEAREST_GOOD
    values = np.where(good, values_at(signal, mended, own, phase.layout), np.float32(np.inf))
    middle = (good.sum(1) - 1) // 2
    return mended, np.take_along_axis(np.sort(values, axis=1), middle[:, None], 1)[:, 0]

"""Bad pixels of a photo, named by the file or found by the judge, are replaced by their neighbours."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from rawclean.core.bad_pixels import repaired, visible_listed
from rawclean.core.choices import BadPixels
from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.noise import NoiseModel
from rawclean.core.site_places import places_of
from rawclean.core.suspect_sites import find_suspects
from rawclean.instruments.site_judge import shipped_judge

CROWDED, MOST_SEARCHES = 1e-4, 3
"""Share of bad sites from which on one may hide another, so that the repaired photo is searched again."""


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
        bad = with_found_sites(signal, bad, frame.layout, noise)
    count = int(bad.sum())
    if not count:
        return MappedFrame(frame, 0)
    mapped = dataclasses.replace(frame, raster=frame.raster.copy())
    mapped.samples[bad] = frame.levels.to_adu_at(repaired(signal, bad, frame.layout)[bad], places_of(bad))
    return MappedFrame(mapped, count)


def with_found_sites(signal: np.ndarray, known: np.ndarray, layout: Layout, noise: NoiseModel) -> np.ndarray:
    """The `known` bad sites (H, W), bool, and those that a search of a linear mosaic without them finds."""
    bad = known
    for _ in range(MOST_SEARCHES):
        found = find_bad_sites(repaired(signal, bad, layout), layout, noise)
        bad = bad | found
        if found.mean() < CROWDED:
            break
    return bad


def find_bad_sites(signal: np.ndarray, layout: Layout, noise: NoiseModel) -> np.ndarray:
    """The isolated hot and dead sites of a linear mosaic `signal` (H, W) with `noise` (4,), bool (H, W)."""
    suspects = find_suspects(signal, layout, noise)
    found = suspects.places[shipped_judge().answers(suspects.features) > 0]
    bad = np.zeros(signal.shape, bool)
    bad[found[:, 0], found[:, 1]] = True
    return bad

"""The sites that a file itself names as bad: by opcodes in a DNG, by zeros in the files of some cameras."""

import numpy as np

from rawclean.core.frame import RawFrame
from rawclean.core.site_places import places_of
from rawclean.errors import UnreadablePhotoError
from rawclean.io.dng.opcodes import bad_pixel_sites, opcode_numbers
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata

LEAST_BLACK = 32.0
"""ADU of black below which a zero may be a sample like others."""
GAP = 0.25
"""Share of the black level up to which other samples than marks are hardly found."""
LARGEST_SHARE = 1e-3
"""Of all samples; more zeros than these are an area without image, not single sites."""
NEIGHBOURHOOD, LARGEST_CLUSTER = 5, 3
"""Side of the window in which more than so many zeros are no single sites."""
MOST_LISTED = 0.5
"""Share of all samples: the rest cannot tell what more bad ones should have been."""


def check_opcodes(metadata: Metadata) -> None:
    """Raise UnreadablePhotoError where an opcode list of a DNG is not whole: what it says is then done by halves."""
    for entry in filter(None, map(metadata.entry, tags.OPCODE_LISTS)):
        opcode_numbers(entry.data)


def listed_bad_sites(frame: RawFrame, metadata: Metadata) -> np.ndarray | None:
    """The sites of the raster of `frame` that its file names, bool (H, W); None where it names none.

    Raises UnreadablePhotoError where the list is damaged.
    """
    if frame.raster.ndim != 2:
        return None
    if metadata.raw is None:
        return _marked_by_zero(frame)
    opcodes = metadata.raw.entries.get(tags.OPCODE_LIST_1)
    if opcodes is None or metadata.is_lossy:  # LibRaw has spread the codes that a constant would be one of
        return None
    listed = bad_pixel_sites(opcodes.data, frame.raster, metadata.numbers(tags.LINEARIZATION_TABLE))
    if listed is not None and int(listed.sum()) > MOST_LISTED * listed.size:
        raise UnreadablePhotoError("its list of bad pixels (OpcodeList1) names most of its samples; is the file whole?")
    return listed


def _marked_by_zero(frame: RawFrame) -> np.ndarray | None:
    """Single zeros far below black: no noise makes them where nothing lies between."""
    samples, black = frame.samples, float(frame.levels.black.min())
    if black < LEAST_BLACK or float(samples.min()) > 0:
        return None
    zeros = samples <= 0
    count = int(zeros.sum())
    others = int((samples < GAP * black).sum()) - count
    if count > LARGEST_SHARE * zeros.size or others >= count:
        return None
    places = places_of(zeros)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(zeros, NEIGHBOURHOOD // 2), (NEIGHBOURHOOD,) * 2)
    around = windows[places[:, 0], places[:, 1]].sum((1, 2))
    rows, columns = places[around <= LARGEST_CLUSTER].T
    listed = np.zeros(frame.raster.shape, bool)
    listed[rows + frame.active.top, columns + frame.active.left] = True
    return listed if listed.any() else None

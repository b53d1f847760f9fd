"""The sites that a file itself names as bad: by opcodes in a DNG, by zeros in the files of some cameras."""

import torch
from torch import Tensor

from rawclean.core.frame import RawFrame
from rawclean.core.local_mean import local_mean
from rawclean.errors import UnreadablePhotoError
from rawclean.io import metadata as tags
from rawclean.io.metadata import Metadata
from rawclean.io.opcodes import bad_pixel_sites, opcode_numbers

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


def check_opcodes(facts: Metadata) -> None:
    """Raise UnreadablePhotoError where an opcode list of a DNG is not whole: what it says is then done by halves."""
    for entry in filter(None, map(facts.entry, tags.OPCODE_LISTS)):
        opcode_numbers(entry.data)


def listed_bad_sites(frame: RawFrame, facts: Metadata) -> Tensor | None:
    """The sites of the raster of `frame` that its file names, bool (H, W); None where it names none.

    Raises UnreadablePhotoError where the list is damaged.
    """
    if frame.raster.ndim != 2:
        return None
    if facts.raw is None:
        return _marked_by_zero(frame)
    opcodes = facts.raw.entries.get(tags.OPCODE_LIST_1)
    if opcodes is None or facts.is_lossy:  # LibRaw has spread the codes that a constant would be one of
        return None
    listed = bad_pixel_sites(opcodes.data, frame.raster, facts.numbers(tags.LINEARIZATION_TABLE))
    if listed is not None and int(listed.sum()) > MOST_LISTED * listed.numel():
        raise UnreadablePhotoError("its list of bad pixels (OpcodeList1) names most of its samples; is the file whole?")
    return listed


def _marked_by_zero(frame: RawFrame) -> Tensor | None:
    """Single zeros far below black: no noise makes them where nothing lies between."""
    samples, black = frame.samples, float(frame.levels.black.min())
    if black < LEAST_BLACK or float(samples.amin()) > 0:
        return None
    zeros = samples <= 0
    count = int(zeros.sum())
    others = int((samples < GAP * black).sum()) - count
    if count > LARGEST_SHARE * zeros.numel() or others >= count:
        return None
    around = local_mean(zeros.float()[None, None], NEIGHBOURHOOD)[0, 0] * NEIGHBOURHOOD**2
    listed = torch.zeros(frame.raster.shape, dtype=torch.bool)
    area = frame.active
    listed[area.top : area.top + area.height, area.left : area.left + area.width] = zeros & (
        around < LARGEST_CLUSTER + 0.5
    )
    return listed if bool(listed.any()) else None

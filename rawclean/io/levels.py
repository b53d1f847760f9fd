"""Black and white of a photo: by tag in a DNG, by LibRaw for the rest (DNG specification 1.7.1, chapter 5).

What no sensor has is refused here, so that all that follows computes with finite numbers.
"""

import math

import numpy as np
import rawpy

from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.levels import Levels
from rawclean.errors import InvalidLevelsError
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata

MAX_WHITE, MAX_WIDE_WHITE = 65535, 2**32 - 1
"""Of samples of 16 bits or fewer, and of wider ones."""
LEAST_RANGE = 16
"""Steps from black to white; sensors have more than a hundred."""
LARGEST_SPREAD = 1 / 8
"""Of blacks, as a share of the range; those of a sensor's sites differ by thousandths."""
MAX_PERIOD = 64
"""Of black levels that repeat."""
MAX_SIGNAL = 65536.0
"""Of white: a merge of many exposures stays far below."""


def read_levels(raw: rawpy.RawPy, metadata: Metadata, layout: Layout) -> Levels:
    """Black and white; LibRaw spreads the 8 bits of a lossy DNG over its own scale, from 0.

    Raises InvalidLevelsError where they are those of no sensor.
    """
    if metadata.is_lossy:
        return Levels(np.zeros((1, 1), np.float32), float(raw.white_level))
    black = _black_of_colours(metadata) if layout is PlainLayout.LINEAR_RGB else _black(raw, metadata)
    levels = Levels(black, _white(raw, metadata))
    _check_range(levels, is_float=metadata.has_float_samples)
    return levels


def without_black_deltas(frame: RawFrame, metadata: Metadata) -> None:
    """Take BlackLevelDeltaH/V out of the samples: of six raw developers only the DNG SDK applies the tags rightly.

    Samples at white stay there: a developer sees by it that they are clipped. Raises InvalidLevelsError where the
    deltas are not one for each visible column and row, or beyond white.
    """
    samples, white = frame.samples, frame.levels.white
    height, width = samples.shape[-2:]
    deltas = np.zeros((height, width), np.float32)
    for tag, side, shape in (
        (tags.BLACK_LEVEL_DELTA_H, width, (1, -1)),
        (tags.BLACK_LEVEL_DELTA_V, height, (-1, 1)),
    ):
        values = metadata.numbers(tag)
        if values and (len(values) != side or not all(abs(value) < white for value in values)):
            raise InvalidLevelsError(f"its black level deltas (tag {tag}) do not fit the image; the file is damaged")
        if values:
            deltas += np.array(values, np.float32).reshape(shape)
    if deltas.any():
        samples -= np.where(samples >= white, np.float32(0), deltas)


def check_signal(frame: RawFrame) -> None:
    """Raise InvalidLevelsError where a sample is not finite, or so far beyond white that it is none."""
    largest, levels = max(float(frame.raster.max()), -float(frame.raster.min())), frame.levels
    if not largest <= MAX_SIGNAL * levels.scale + abs(levels.white):
        raise InvalidLevelsError(f"a sample of {largest:g} where white is {levels.white:g}; the file is damaged")


def _check_range(levels: Levels, *, is_float: bool) -> None:
    """Raise InvalidLevelsError where next to nothing lies between black and white, or one black far from the others."""
    least, most = float(levels.black.min()), float(levels.black.max())
    if not is_float and levels.scale < LEAST_RANGE:
        raise InvalidLevelsError(f"only {levels.scale:g} steps from black to white, {levels.white:g}; is it damaged?")
    if most - least > LARGEST_SPREAD * (levels.white - least):
        raise InvalidLevelsError(
            f"black levels from {least:g} to {most:g}, white {levels.white:g}; the file is damaged"
        )


def _black_of_colours(metadata: Metadata) -> np.ndarray:
    """The blacks of a demosaiced image, (1, 1, 1) or (3, 1, 1)."""
    values = metadata.numbers(tags.BLACK_LEVEL) or (0.0,)
    if len(values) not in (1, 3):
        raise InvalidLevelsError(f"{len(values)} black levels for three colours; the file is damaged")
    return np.array(values, np.float32)[:, None, None]


def _black(raw: rawpy.RawPy, metadata: Metadata) -> np.ndarray:
    """Blacks by position, as many as repeat; a DNG's tag counts from the active area and may hold fractions."""
    values = metadata.numbers(tags.BLACK_LEVEL)
    rows, columns = (*metadata.integers(tags.BLACK_LEVEL_REPEAT_DIM), 1, 1)[:2]
    if metadata.is_dng and not values:
        return np.zeros((1, 1), np.float32)
    if not (1 <= rows <= MAX_PERIOD and 1 <= columns <= MAX_PERIOD):
        raise InvalidLevelsError(
            f"black levels that repeat every {rows} rows and {columns} columns; is the file whole?"
        )
    if values and len(values) == rows * columns:
        return np.array(values, np.float32).reshape(rows, columns)
    if metadata.is_dng:
        if len(set(values)) > 1:
            raise InvalidLevelsError(f"{len(values)} black levels for {rows * columns} places; the file is damaged")
        return np.full((1, 1), values[0], np.float32)
    per_colour = raw.black_level_per_channel
    if raw.num_colors == 1:
        return np.full((1, 1), per_colour[0], np.float32)
    return np.array(per_colour, np.float32)[np.asarray(raw.raw_pattern)]


def _white(raw: rawpy.RawPy, metadata: Metadata) -> float:
    values = metadata.numbers(tags.WHITE_LEVEL)
    white = min(values) if values else float(raw.white_level)
    wide = metadata.has_float_samples or max(metadata.integers(tags.BITS_PER_SAMPLE), default=0) > 16
    if not math.isfinite(white) or white > (MAX_WIDE_WHITE if wide else MAX_WHITE):
        raise InvalidLevelsError(f"a white level of {white:g}; the file is damaged")
    return white

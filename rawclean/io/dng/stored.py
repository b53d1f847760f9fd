"""Samples as a DNG stores them: 16-bit codes, spread so that denoised values keep their fractions.

Averaging makes values between the codes of the sensor. A 14-bit mosaic is stored times four, a 12-bit one times
sixteen, black and white with it; rounding then costs 0.08 or 0.02 of a step of the sensor instead of 0.29. A source of
floating point numbers stays one.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawclean.core.cores import on_all_cores
from rawclean.core.frame import RawFrame
from rawclean.errors import OutputError

MAX_CODE = 65535
BAND = 128
"""Rows that are rounded together, so that they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """What goes into the file."""

    values: NDArray[Any]
    """(H, W, samples per pixel), uint16 or float32, masked borders included."""
    factor: int
    """Codes per ADU, a power of two."""


def stored_samples(frame: RawFrame, *, spread: bool = True) -> StoredSamples:
    """The samples of `frame` as they are stored; without `spread` they stay in ADU.

    Raises OutputError where one is not finite: no file holds such a result.
    """
    least, most = float(frame.raster.min()), float(frame.raster.max())
    if not (math.isfinite(least) and math.isfinite(most)):
        raise OutputError("some denoised samples are not finite numbers; try another --model")
    raster = np.moveaxis(frame.raster[None] if frame.raster.ndim == 2 else frame.raster, 0, -1)
    if frame.is_float:
        return StoredSamples(np.ascontiguousarray(raster), 1)
    top = max(frame.levels.white, most, 1.0)
    factor = 1 << max(0, int(MAX_CODE // top).bit_length() - 1) if spread else 1
    codes = np.empty(raster.shape, np.uint16)

    def encode(first: int) -> None:
        band = raster[first : first + BAND] * np.float32(factor)
        codes[first : first + BAND] = np.rint(band, out=band).clip(0, MAX_CODE, out=band)

    on_all_cores(encode, range(0, len(raster), BAND))
    return StoredSamples(codes, factor)

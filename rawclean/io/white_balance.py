"""The white balance of a photo: as its camera left it, else such that the photo is grey on the average."""

import math

import rawpy

from rawclean.core.frame import RawFrame
from rawclean.core.layout import PlainLayout, independent_planes

Gains = tuple[float, float, float]
NO_GAINS: Gains = (1.0, 1.0, 1.0)
UNCLIPPED = 0.95
"""Of white."""
MOST_GAIN = 8.0
"""Of one colour over another; no light asks for more."""


def camera_gains(raw: rawpy.RawPy, *, is_dng: bool) -> Gains | None:
    """As-shot gains of R, G, B with green 1; None where the camera left no usable ones.

    LibRaw gives ones where it finds none; a DNG may mean them.
    """
    red, green, blue = raw.camera_whitebalance[:3]
    usable = all(math.isfinite(gain) and gain > 0 for gain in (red, green, blue))
    if not usable or (red == green == blue and not is_dng):
        return None
    return red / green, 1.0, blue / green


def neutral_gains(frame: RawFrame) -> Gains:
    """Gains of R, G, B with green 1 that make the unclipped part of a photo grey; ones where it has no colours."""
    if frame.layout is PlainLayout.MONOCHROME:
        return NO_GAINS
    planes = independent_planes(frame.layout, frame.levels.to_linear(frame.samples))
    unclipped = (planes < UNCLIPPED).all(0)
    if not unclipped.any():
        return NO_GAINS
    red, first_green, second_green, blue = (float(plane[unclipped].mean()) for plane in planes)
    green = (first_green + second_green) / 2
    if not min(red, green, blue) > 0:
        return NO_GAINS
    return _bounded(green / red), 1.0, _bounded(green / blue)


def _bounded(gain: float) -> float:
    return min(max(gain, 1 / MOST_GAIN), MOST_GAIN)

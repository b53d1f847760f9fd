"""Whether there is a photo in a frame at all: what is black, saturated or one value shows no noise by brightness."""

from rawclean.core.frame import RawFrame
from rawclean.errors import InvalidNoiseError

NEARLY_ALL = 0.99
"""Share of the samples that must be black or saturated for a photo to be called so."""
BLACK, SATURATED = 2e-4, 0.98
"""Signals."""


def check_exposed(frame: RawFrame) -> None:
    """Raise InvalidNoiseError where all samples are equal, or nearly all are black or saturated."""
    least, greatest = float(frame.samples.min()), float(frame.samples.max())
    linear = frame.levels.to_linear(frame.samples)
    if float((linear < BLACK).mean()) > NEARLY_ALL:
        reason = "is all black"
    elif float((linear > SATURATED).mean()) > NEARLY_ALL:
        reason = "is all saturated"
    elif least == greatest:
        reason = f"has the value {least:g} everywhere"
    else:
        return
    raise InvalidNoiseError(f"{reason}, which shows no noise; take a photo with black, grey and bright parts")

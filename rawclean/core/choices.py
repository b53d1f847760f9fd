"""Choices of a user about a photo; free of what denoises, so that the command line starts fast."""

from enum import Enum


class BadPixels(Enum):
    """Which sites of the sensor are replaced by their neighbours before the noise is taken away."""

    AUTO = "auto"
    """Those that the file names, and those that stand alone far outside the noise."""
    LIST = "list"
    """Those that the file names."""
    OFF = "off"
    """None."""

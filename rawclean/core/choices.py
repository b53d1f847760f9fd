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


class Role(Enum):
    """Whether a model is for all noise or for a range of it."""

    GENERAL = "general"
    SPECIALIST = "specialist"


class Quality(Enum):
    """The rungs of a ladder of models: each costs more than the one before, and leaves less noise and more detail."""

    FAST = "fast"
    STANDARD = "standard"
    BEST = "best"

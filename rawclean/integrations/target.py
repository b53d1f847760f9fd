"""Which photo programs there are to choose from."""

from enum import Enum


class Target(Enum):
    """A program to work in."""

    DARKTABLE = "darktable"
    RAWTHERAPEE = "rawtherapee"
    DIGIKAM = "digikam"
    GIMP = "gimp"

"""The two families of colour mosaics that networks are made for."""

from enum import Enum


class Mosaic(Enum):
    """A family; all layouts of one share their networks."""

    BAYER = "bayer"
    XTRANS = "xtrans"

    @property
    def planes(self) -> int:
        """How many planes a network sees; each holds one colour."""
        return {Mosaic.BAYER: 4, Mosaic.XTRANS: 9}[self]

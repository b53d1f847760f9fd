"""The two families of colour mosaics that networks are made for."""

from enum import Enum


class CfaFamily(Enum):
    """A family; all layouts of one share their networks."""

    BAYER = "bayer"
    XTRANS = "xtrans"

    @classmethod
    def of_planes(cls, count: int) -> "CfaFamily":
        """The family that is packed into `count` planes."""
        return next(mosaic for mosaic in cls if mosaic.planes == count)

    @property
    def planes(self) -> int:
        """How many planes a network sees; each holds one colour."""
        return {CfaFamily.BAYER: 4, CfaFamily.XTRANS: 9}[self]

"""How the mosaic of a DNG is stored; free of heavy imports for the command line."""

from enum import Enum


class Compression(Enum):
    """Lossless both; ljpeg takes about half the space."""

    LJPEG = "ljpeg"
    NONE = "none"

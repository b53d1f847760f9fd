"""How the samples of a DNG are stored; free of heavy imports for the command line."""

from enum import Enum


class Compression(Enum):
    """Lossless all; ljpeg takes about half the space, and only readers of DNG 1.7 open jxl."""

    LJPEG = "ljpeg"
    NONE = "none"
    JXL = "jxl"

"""TIFF blocks inside RAW files that are not TIFF themselves: Canon CR3, Fujifilm RAF, Minolta MRW.

A CR3 (ISO base media) has boxes CMT1 with the directory of the camera, CMT2 with EXIF, CMT4 with GPS. A RAF encloses a
JPEG whose Exif segment is a TIFF file, an MRW a block TTW with one.
"""

from rawclean.errors import UnreadablePhotoError
from rawclean.io.tiff.structure import Tiff

SEARCHED = 1 << 20
"""Bytes at the start of a file in which its metadata lies."""

CAMERA_MARKERS = (b"CMT1", b"Exif\0\0", b"\0TTW")
EXIF_MARKER, GPS_MARKER = b"CMT2", b"CMT4"
_TTW_LENGTH = 4
"""Bytes of the block's length between its name and the TIFF data."""


def enclosed_tiff(data: bytes, markers: tuple[bytes, ...]) -> Tiff | None:
    """The TIFF block behind the first of `markers` that has one; None where there is none."""
    for marker in markers:
        start = data.find(marker, 0, SEARCHED)
        if start >= 0:
            start += len(marker) + (_TTW_LENGTH if marker == b"\0TTW" else 0)
            try:
                return Tiff(data[start : start + SEARCHED])
            except UnreadablePhotoError:
                continue
    return None

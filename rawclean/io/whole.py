"""Whether the file of a camera has all bytes that its container tells of: LibRaw fills up what is cut off.

Of a DNG every part is checked where its samples are (`dng.segments`). Of other formats the places of the raw image are
known where the container names them: strips and tiles of TIFF (Nikon, Canon CR2, Sony, Pentax, Olympus, Samsung ...),
boxes of ISO media (Canon CR3), and the header of a Fujifilm RAF.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from rawclean.errors import UnreadablePhotoError
from rawclean.io.tiff.metadata import Metadata, picture_blocks, picture_pages

_MAKES_OF_OTHER_SIZES = ("PANASONIC", "LEICA", "HASSELBLAD")
"""Their byte counts may be those of the samples before they are compressed, as ExifTool and RawSpeed note."""
_RAF = b"FUJIFILMCCD-RAW "
_RAF_PLACES = struct.Struct(">6I")
_RAF_PLACES_AT = 84
"""Offset and size of the JPEG, of the CFA's header and of the CFA."""
_CR3 = b"ftypcrx "
_BOX, _LARGE_BOX = struct.Struct(">I4s"), struct.Struct(">Q")
_MOST_BOXES = 64


def check_whole(path: Path, metadata: Metadata) -> None:
    """Raise UnreadablePhotoError where the file `path`, whose tags are `metadata`, ends before its raw image does."""
    if metadata.is_dng:
        return
    end = _end_of_tiff(metadata) if metadata.tiff and not metadata.enclosed else _end_of_container(path)
    if end > path.stat().st_size:
        raise UnreadablePhotoError("its raw image ends beyond the end of the file; copy it from the card again")


def _end_of_tiff(metadata: Metadata) -> int:
    """Where the largest picture ends, which is the raw image; 0 where that is not told."""
    assert metadata.tiff is not None
    if metadata.camera.make.upper().startswith(_MAKES_OF_OTHER_SIZES):
        return 0
    try:
        pictures = [picture_blocks(metadata.tiff, page) for page in picture_pages(metadata.tiff)]
    except UnreadablePhotoError:  # some cameras' links lead nowhere
        return 0
    largest = max(pictures, key=lambda blocks: sum(size for _, size in blocks))
    return max((offset + size for offset, size in largest), default=0)


def _end_of_container(path: Path) -> int:
    """Where the last part of a RAF or CR3 ends; 0 for others."""
    with path.open("rb") as file:
        head = file.read(_RAF_PLACES_AT + _RAF_PLACES.size)
    if head.startswith(_RAF) and len(head) == _RAF_PLACES_AT + _RAF_PLACES.size:
        places: tuple[int, ...] = _RAF_PLACES.unpack_from(head, _RAF_PLACES_AT)
        return max(offset + size for offset, size in zip(places[::2], places[1::2], strict=True))
    return max(_box_ends(path), default=0) if head[4:12] == _CR3 else 0


def _box_ends(path: Path) -> Iterator[int]:
    """The ends of the outermost boxes of ISO media (ISO/IEC 14496-12, 4.2)."""
    position = 0
    with path.open("rb") as file:
        for _ in range(_MOST_BOXES):
            file.seek(position)
            head = file.read(_BOX.size + _LARGE_BOX.size)
            if len(head) < _BOX.size:
                return
            size, _ = _BOX.unpack_from(head)
            if size == 1 and len(head) == _BOX.size + _LARGE_BOX.size:
                (size,) = _LARGE_BOX.unpack_from(head, _BOX.size)
            if size < _BOX.size:  # zero is a box up to the end of the file
                return
            position += size
            yield position

"""Canon's CIFF container (.CRW, until 2004): the camera's name, which rawpy does not tell, and whether it has an end.

Source: the public description of CIFF 1.0 revision 4: a heap of records with its directory at the end.
"""

import struct
from collections.abc import Iterator

from rawclean.core.frame import Camera
from rawclean.core.printable import printable
from rawclean.errors import UnreadablePhotoError

_MAGIC = b"HEAPCCDR"
_MAKE_MODEL = 0x080A
_DIRECTORY_TYPES = (0x2800, 0x3000)
MAX_DIRECTORIES, MAX_RECORDS = 64, 127
"""Cameras write ten directories; LibRaw follows each path to one, and reads no directory of more records."""
_MAX_TEXT = 256


def is_ciff(head: bytes) -> bool:
    """Whether a file that begins with `head` is a CIFF file."""
    return head[6:14] == _MAGIC and head[:2] in (b"II", b"MM")


def ciff_camera(data: bytes) -> Camera | None:
    """Make and model of a CIFF file; None where `data` is something else.

    Raises UnreadablePhotoError where its directories have no end: LibRaw would follow them for days.
    """
    if not is_ciff(data):
        return None
    order = "<" if data[:2] == b"II" else ">"
    (heap,) = struct.unpack_from(order + "I", data, 2)
    camera = Camera("Canon", "")
    left, ranges = MAX_DIRECTORIES, [(heap, len(data))]
    while ranges:
        start, end = ranges.pop()
        left -= 1
        if left < 0:
            raise UnreadablePhotoError(f"more than {MAX_DIRECTORIES} directories of tags; the file is damaged")
        for kind, first, last in _records(data, order, start, end):
            if kind == _MAKE_MODEL:
                camera = _camera(data[first : min(last, first + _MAX_TEXT)])
            elif kind & 0x3800 in _DIRECTORY_TYPES:
                ranges.append((first, last))
    return camera


def _records(data: bytes, order: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Kind, start and end of each record in the directory of a heap; none where there is no directory."""
    if not 0 <= start < end - 4 <= len(data) - 4:
        return
    table = start + struct.unpack_from(order + "I", data, end - 4)[0]
    if table + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, table)
    for position in range(table + 2, table + 2 + 10 * min(count, MAX_RECORDS), 10):
        if position + 10 > len(data):
            return
        kind, size, offset = struct.unpack_from(order + "HII", data, position)
        yield kind, start + offset, start + offset + size


def _camera(names: bytes) -> Camera:
    make, model = (printable(part.decode("latin-1")) for part in [*names.split(b"\0"), b"", b""][:2])
    return Camera(make, model)

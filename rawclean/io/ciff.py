"""Canon's CIFF container (.CRW, until 2004): only the camera's name, which rawpy does not tell.

Source: the public description of CIFF 1.0 revision 4: a heap of records with its directory at the end.
"""

import struct

from rawclean.core.frame import Camera

_MAGIC = b"HEAPCCDR"
_MAKE_MODEL = 0x080A
_DIRECTORY_TYPES = (0x2800, 0x3000)
_MAX_DEPTH = 8


def ciff_camera(data: bytes) -> Camera | None:
    """Make and model of a CIFF file; None where `data` is something else."""
    if data[6:14] != _MAGIC or data[:2] not in (b"II", b"MM"):
        return None
    order = "<" if data[:2] == b"II" else ">"
    (heap,) = struct.unpack_from(order + "I", data, 2)
    return _search(data, order, heap, len(data), 0) or Camera("Canon", "")


def _search(data: bytes, order: str, start: int, end: int, depth: int) -> Camera | None:
    if depth > _MAX_DEPTH or not 0 <= start < end - 4 <= len(data) - 4:
        return None
    table = start + struct.unpack_from(order + "I", data, end - 4)[0]
    if table + 2 > len(data):
        return None
    (count,) = struct.unpack_from(order + "H", data, table)
    for index in range(count):
        position = table + 2 + 10 * index
        if position + 10 > len(data):
            return None
        kind, size, offset = struct.unpack_from(order + "HII", data, position)
        block = start + offset
        if kind == _MAKE_MODEL:
            make, model = (
                part.decode("latin-1") for part in (data[block : block + size].split(b"\0") + [b"", b""])[:2]
            )
            return Camera(make, model)
        if kind & 0x3800 in _DIRECTORY_TYPES:
            found = _search(data, order, block, block + size, depth + 1)
            if found:
                return found
    return None

"""Opcode lists: corrections that a DNG leaves to the raw developer (DNG specification 1.7.1, chapter 7).

A list is big-endian in every file: a count, then for each opcode its number, version, flags, size and parameters.
"""

import struct
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rawclean.errors import UnreadablePhotoError

FIX_BAD_PIXELS_CONSTANT, FIX_BAD_PIXELS_LIST, MAP_TABLE, MAP_POLYNOMIAL = 4, 5, 7, 8
BAD_PIXEL_OPCODES = frozenset({FIX_BAD_PIXELS_CONSTANT, FIX_BAD_PIXELS_LIST})
DELTA_PER_ROW, DELTA_PER_COLUMN = 10, 11
ON_STORED_VALUES = frozenset({FIX_BAD_PIXELS_CONSTANT, MAP_TABLE, MAP_POLYNOMIAL, DELTA_PER_ROW, DELTA_PER_COLUMN})
"""Opcodes whose parameters are values of samples; in OpcodeList1 these are the stored codes."""
_HEAD = struct.Struct(">IIII")
_CONSTANT = struct.Struct(">II")
_LIST = struct.Struct(">III")
_POINT, _RECTANGLE = 2, 4
"""Numbers of each: row, column; top, left, bottom, right."""
MOST_CONSTANTS = 64
"""That mark bad sites; cameras have one."""


def opcode_numbers(data: bytes) -> list[int]:
    """The numbers of the opcodes in a list; raises UnreadablePhotoError where the list is not whole."""
    return [number for number, _ in _opcodes(data)]


def without_opcodes(data: bytes, numbers: Collection[int]) -> bytes:
    """The list without some opcodes."""
    kept = [opcode for number, opcode in _opcodes(data) if number not in numbers]
    return struct.pack(">I", len(kept)) + b"".join(kept)


def bad_pixel_constants(data: bytes) -> list[int]:
    """The codes that mark bad sites; raises UnreadablePhotoError where a list is damaged."""
    found = [opcode[_HEAD.size :] for number, opcode in _opcodes(data) if number == FIX_BAD_PIXELS_CONSTANT]
    if len(found) > MOST_CONSTANTS or any(len(parameters) != _CONSTANT.size for parameters in found):
        raise _damaged_sites()
    return [_CONSTANT.unpack(parameters)[0] for parameters in found]


def bad_pixel_sites(data: bytes, raster: np.ndarray, table: Sequence[float] = ()) -> np.ndarray | None:
    """The sites of `raster` (H, W) that the opcodes of OpcodeList1 call bad, bool; None where no opcode does.

    The list works on the image as it is stored, before anything is cut off: its rows and columns count from the top
    left of the whole raster, and its constant is a stored code, which reading may have sent through a linearisation
    `table`. Places outside the raster are passed over.

    Raises UnreadablePhotoError where a list is damaged.
    """
    if BAD_PIXEL_OPCODES.isdisjoint(opcode_numbers(data)):
        return None
    bad = np.zeros(raster.shape, bool)
    for constant in bad_pixel_constants(data):
        bad |= raster == (table[min(constant, len(table) - 1)] if table else np.float32(constant))
    places = [_places(opcode[_HEAD.size :]) for number, opcode in _opcodes(data) if number == FIX_BAD_PIXELS_LIST]
    if places:
        points, rectangles = (np.concatenate(each) for each in zip(*places, strict=True))
        bad |= _marked(points, rectangles, bad.shape)
    return bad


def _places(parameters: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Points (N, 2) and rectangles (N, 4) of a FixBadPixelsList; raises UnreadablePhotoError."""
    if len(parameters) < _LIST.size:
        raise _damaged_sites()
    _, points, rectangles = _LIST.unpack_from(parameters)
    numbers = np.frombuffer(parameters, ">i4", offset=_LIST.size, count=(len(parameters) - _LIST.size) // 4)
    if 4 * (_POINT * points + _RECTANGLE * rectangles) != len(parameters) - _LIST.size:
        raise _damaged_sites()
    places = numbers.astype(np.int64)
    split = _POINT * points
    return places[:split].reshape(points, _POINT), places[split:].reshape(rectangles, _RECTANGLE)


def _marked(points: NDArray[np.int64], rectangles: NDArray[np.int64], size: tuple[int, ...]) -> np.ndarray:
    """Points and rectangles as a mask of `size`."""
    sides = np.array(size)
    inside = points[((points >= 0) & (points < sides)).all(1)]
    marks = np.zeros(tuple(sides + 1), dtype=np.int32)
    if len(rectangles):
        # Corners, summed up along both axes: any number of rectangles costs the same.
        (top, left), (bottom, right) = (np.clip(ends, 0, sides).T for ends in np.split(rectangles, 2, axis=1))
        bottom, right = np.maximum(top, bottom), np.maximum(left, right)
        for rows, columns, step in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
            np.add.at(marks, (rows, columns), step)
        marks = marks.cumsum(0).cumsum(1)
    marks[inside[:, 0], inside[:, 1]] = 1
    return marks[:-1, :-1] > 0


def _damaged_sites() -> UnreadablePhotoError:
    return UnreadablePhotoError("its list of bad pixels (OpcodeList1) is damaged; is the file whole?")


def _opcodes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each opcode; an empty list has none. Raises UnreadablePhotoError where one is cut off."""
    try:
        (count,) = struct.unpack_from(">I", data) if data else (0,)
        position = 4
        for _ in range(count):
            number, _, _, size = _HEAD.unpack_from(data, position)
            end = position + _HEAD.size + size
            if end > len(data):
                raise _cut_off()
            yield number, data[position:end]
            position = end
    except struct.error as error:
        raise _cut_off() from error


def _cut_off() -> UnreadablePhotoError:
    return UnreadablePhotoError("a list of corrections for raw developers (OpcodeList) is cut off; is the file whole?")

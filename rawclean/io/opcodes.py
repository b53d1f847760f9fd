"""Opcode lists: corrections that a DNG leaves to the raw developer (DNG specification 1.7.1, chapter 7).

A list is big-endian in every file: a count, then for each opcode its number, version, flags, size and parameters.
"""

import struct
from collections.abc import Collection, Iterator

FIX_BAD_PIXELS_CONSTANT, MAP_TABLE, MAP_POLYNOMIAL = 4, 7, 8
DELTA_PER_ROW, DELTA_PER_COLUMN = 10, 11
ON_STORED_VALUES = frozenset({FIX_BAD_PIXELS_CONSTANT, MAP_TABLE, MAP_POLYNOMIAL, DELTA_PER_ROW, DELTA_PER_COLUMN})
"""Opcodes whose parameters are values of samples; in OpcodeList1 these are the stored codes."""
_HEAD = struct.Struct(">IIII")


def opcode_numbers(data: bytes) -> list[int]:
    """The numbers of the opcodes in a list; what is cut off is left out."""
    return [number for number, _ in _opcodes(data)]


def without_opcodes(data: bytes, numbers: Collection[int]) -> bytes:
    """The list without some opcodes."""
    kept = [opcode for number, opcode in _opcodes(data) if number not in numbers]
    return struct.pack(">I", len(kept)) + b"".join(kept)


def _opcodes(data: bytes) -> Iterator[tuple[int, bytes]]:
    if len(data) < 4:
        return
    (count,) = struct.unpack_from(">I", data)
    position = 4
    for _ in range(count):
        if position + _HEAD.size > len(data):
            return
        number, _, _, size = _HEAD.unpack_from(data, position)
        end = position + _HEAD.size + size
        if end > len(data):
            return
        yield number, data[position:end]
        position = end

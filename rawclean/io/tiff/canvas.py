"""A TIFF file under change: what is not touched stays where it is, byte for byte."""

import heapq
import struct
from collections.abc import Iterable, Iterator

from rawclean.io.tiff.structure import HEADER, Directory, Entry, Tiff

_MOST_GAPS = 1024
"""In which new blocks are looked for a place, so that many small ones cost no time."""


class TiffCanvas:
    """A TIFF file under change: new blocks go into released ranges first, then to the end.

    Everything that is not released stays at its offset, so that maker notes, whose offsets nobody knows, stay valid.
    """

    def __init__(self, tiff: Tiff) -> None:
        self.tiff = tiff
        self._data = bytearray(tiff.data)
        self._free: list[tuple[int, int]] = []

    def release(self, blocks: Iterable[tuple[int, int]], kept: Iterable[tuple[int, int]] = ()) -> None:
        """Give ranges of the file, each an offset and a size, back: they are zeroed, and later blocks may go there.

        What is `kept` stays, even where damaged sizes let something else reach over it.
        """
        ranges = [(offset, offset + size) for offset, size in blocks if offset >= HEADER and size > 0]
        merged = _merged([*self._free, *(each for each in ranges if each[1] <= len(self._data))])
        gaps = list(_without(merged, sorted((offset, offset + size) for offset, size in kept)))
        for start, end in gaps:
            self._data[start:end] = bytes(end - start)
        self._free = sorted(heapq.nlargest(_MOST_GAPS, gaps, key=lambda gap: gap[1] - gap[0]))

    def place(self, block: bytes | memoryview) -> int:
        """Store a block at an even offset and return the offset."""
        for index, (start, end) in enumerate(self._free):
            aligned = start + start % 2
            if aligned + len(block) <= end:
                self._data[aligned : aligned + len(block)] = block
                self._free[index] = (aligned + len(block), end)
                return aligned
        self._data += b"\0" * (len(self._data) % 2)
        self._data += block
        return len(self._data) - len(block)

    def patch(self, offset: int, block: bytes) -> None:
        """Overwrite bytes in place."""
        self._data[offset : offset + len(block)] = block

    def write_directory(self, directory: Directory) -> int:
        """Store a directory, placing the values that are not in the file yet; return its offset."""
        rows = [self._row(entry) for entry in sorted(directory.entries.values(), key=lambda entry: entry.tag)]
        order = self.tiff.order
        table = struct.pack(order + "H", len(rows)) + b"".join(rows) + struct.pack(order + "I", directory.next_offset)
        return self.place(table)

    def set_first(self, offset: int) -> None:
        """Point the header at IFD0."""
        self.patch(4, struct.pack(self.tiff.order + "I", offset))

    def reserve(self, offset: int, block: bytes) -> None:
        """Store a block at exactly `offset`, beyond all that is stored so far; what lies before it becomes free."""
        end = len(self._data)
        self._data += bytes(offset - end) + block
        self.release([(end, offset - end)])

    def finish(self) -> bytearray:
        """The file; a free range at its end is cut off."""
        start, end = self._free[-1] if self._free else (0, 0)
        if end == len(self._data):
            del self._data[start:]
        return self._data

    def _row(self, entry: Entry) -> bytes:
        head = struct.pack(self.tiff.order + "HHI", entry.tag, entry.kind, entry.count)
        if len(entry.data) <= 4:
            return head + entry.data.ljust(4, b"\0")
        offset = self.place(entry.data) if entry.offset is None else entry.offset
        return head + struct.pack(self.tiff.order + "I", offset)


def _without(ranges: list[tuple[int, int]], kept: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What is left of ranges, both sorted."""
    for start, end in ranges:
        free = start
        for first, last in kept:
            if free < last and first < end:
                if free < first:
                    yield free, first
                free = last
        if free < end:
            yield free, end


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted ranges, joined where they touch or one byte apart: that byte filled up an odd block, none is so small."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged

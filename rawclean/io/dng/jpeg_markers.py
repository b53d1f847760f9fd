"""The structure of a JPEG stream: its frame header, its tables, and where its entropy-coded data lie (ITU-T T.81, B).

Every length is checked against the stream before anything is read or allocated.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from rawclean.errors import UnreadablePhotoError

LOSSLESS, BASELINE, EXTENDED, PROGRESSIVE = 0xC3, 0xC0, 0xC1, 0xC2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START, _END, _SCAN, _TABLES, _RESTART_INTERVAL = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD
_MARKER = re.compile(rb"\xff+([\x01-\xfe])", re.DOTALL)
_MARKER_IN_CODE = re.compile(rb"\xff([\x01-\xfe])", re.DOTALL)
"""A byte of entropy-coded data that is all ones is followed by a zero."""
_RESTARTS = range(0xD0, 0xD8)
MOST_SEGMENTS = 256


@dataclass(frozen=True, slots=True)
class Jpeg:
    """What the markers of one stream say."""

    process: int
    """The frame's marker: LOSSLESS, BASELINE, ..."""
    precision: int
    height: int
    width: int
    components: int
    code_lengths: Mapping[int, Mapping[int, int]]
    """Of each Huffman table for DC or lossless data: symbol to bits."""
    tables: tuple[int, ...]
    """Which of them each component of the first scan uses."""
    selection: int
    """Predictor of a lossless scan."""
    shift: int
    """Point transform."""
    restart_interval: int
    scan: tuple[int, int]
    """Start and end of the first scan's entropy-coded data."""
    complete: bool
    """Whether the stream has its end marker, with nothing but whole segments before it."""

    @property
    def samples(self) -> int:
        """In the whole frame."""
        return self.height * self.width * self.components


def read_markers(data: bytes) -> Jpeg:
    """Read the markers of a JPEG stream; raises UnreadablePhotoError where it is none or its structure is broken."""
    try:
        return _Reader(data).run()
    except (struct.error, IndexError) as error:
        raise _broken("its header is cut off") from error


class _Reader:
    """One stream, marker by marker."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.frame: tuple[int, int, int, int, int] | None = None
        self.lengths: dict[int, dict[int, int]] = {}
        self.restart_interval = 0
        self.first_scan: tuple[tuple[int, ...], int, int, tuple[int, int]] | None = None

    def run(self) -> Jpeg:
        if self.data[:2] != bytes((0xFF, _START)):
            raise _broken("it does not start as one")
        position, complete = 2, False
        for _ in range(MOST_SEGMENTS):
            found = _MARKER.match(self.data, position)
            if found is None or found[1][0] == _END:
                complete = found is not None
                break
            position = self._segment(found[1][0], found.end())
        if self.frame is None or self.first_scan is None:
            raise _broken("it has no picture")
        tables, selection, shift, scan = self.first_scan
        return Jpeg(*self.frame, self.lengths, tables, selection, shift, self.restart_interval, scan, complete)

    def _segment(self, marker: int, start: int) -> int:
        """Read the segment whose length is at `start`; return where the next marker is."""
        length: int = struct.unpack_from(">H", self.data, start)[0]
        end = start + length
        if length < 2 or end > len(self.data):
            raise _broken("a segment ends outside of it")
        content = self.data[start + 2 : end]
        if marker in _FRAMES:
            self.frame = (marker, *struct.unpack_from(">BHHB", content))
        elif marker == _TABLES:
            self._tables(content)
        elif marker == _RESTART_INTERVAL:
            (self.restart_interval,) = struct.unpack_from(">H", content)
        elif marker == _SCAN:
            return self._scan(content, end)
        return end

    def _tables(self, content: bytes) -> None:
        while content:
            counts = content[1:17]
            symbols = content[17 : 17 + sum(counts)]
            if len(counts) < 16 or len(symbols) < sum(counts):
                raise _broken("a Huffman table is cut off")
            lengths = (bits for bits, count in enumerate(counts, 1) for _ in range(count))
            if content[0] < 16:
                self.lengths[content[0]] = dict(zip(symbols, lengths, strict=True))
            content = content[17 + len(symbols) :]

    def _scan(self, content: bytes, start: int) -> int:
        """Note the first scan; return where the marker after the scan's data is."""
        end = len(self.data)
        for found in _MARKER_IN_CODE.finditer(self.data, start):
            if found[1][0] not in _RESTARTS:
                end = found.start()
                break
            if not self.restart_interval:
                raise _broken("it starts again where it says that it never does")
        if self.first_scan is None:
            count = content[0]
            tables = tuple(content[2 + 2 * index] >> 4 for index in range(count))
            self.first_scan = (tables, content[1 + 2 * count], content[3 + 2 * count] & 15, (start, end))
        return end


def _broken(why: str) -> UnreadablePhotoError:
    return UnreadablePhotoError(f"a tile of its raw image is no whole JPEG: {why}; copy the file from the card again")

"""TIFF structure: directories of tagged values, read with bounds checked.

A DNG is a TIFF file, and so are most camera RAW files. Values stay the bytes of the file until somebody asks for
numbers, so that what rawclean does not understand is carried over unchanged (TIFF 6.0, section 2).
"""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rawclean.core.printable import printable
from rawclean.errors import UnreadablePhotoError

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, FLOAT, DOUBLE, IFD = 1, 2, 3, 4, 5, 7, 10, 11, 12, 13

_FORMATS = dict(enumerate(("B", "B", "H", "I", "II", "b", "B", "h", "i", "ii", "f", "d", "I"), 1))
_ORDERS = {b"II": "<", b"MM": ">"}
_MAGIC = (42, 0x4F52, 0x5352, 0x55)
"""TIFF, Olympus ORF (two spellings), Panasonic RW2."""
TIFF_STARTS = tuple(
    start for magic in _MAGIC for start in (b"II" + magic.to_bytes(2, "little"), b"MM" + magic.to_bytes(2, "big"))
)
_PHASE_ONE = (b"IIII", b"MMMM")
"""No TIFF, although they begin as one."""
MAX_DIRECTORIES, MAX_ENTRIES = 64, 512
"""Of a file, and of a directory: LibRaw reads no more entries either. Cameras write a tenth of both."""
MAX_NUMBERS = 1 << 20
"""In one value: more than the tiles of any photo."""
MAX_TEXT = 256
"""Bytes of a name."""
HEADER = 8
"""Bytes."""
_TIMES_READ, _SMALL_FILE = 2, 1 << 16
"""All values together are at most so many times the file: some writers let two directories share a value."""


def has_damaged_start(head: bytes) -> bool:
    """Whether a file that begins with `head` would be a TIFF file but for its magic number, which LibRaw ignores."""
    return head[:2] in _ORDERS and head[:4] not in _PHASE_ONE and not head.startswith(TIFF_STARTS)


class NotTiffError(UnreadablePhotoError):
    """The data do not begin like a TIFF file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tagged value."""

    tag: int
    kind: int
    """TIFF type number."""
    count: int
    data: bytes
    """The values in the byte order of the file."""
    offset: int | None = None
    """Where `data` lies in the file; None for a value that is not in it yet, or inside the directory."""

    def unplaced(self) -> "Entry":
        """The same value, to be stored anew."""
        return Entry(self.tag, self.kind, self.count, self.data)


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory (IFD)."""

    offset: int
    entries: dict[int, Entry] = field(default_factory=dict)
    next_offset: int = 0

    @property
    def size(self) -> int:
        """Bytes of the table."""
        return 6 + 12 * len(self.entries)

    def with_entries(self, changed: Iterable[Entry], dropped: Iterable[int] = ()) -> "Directory":
        """The directory with entries set and tags removed, in the order of their numbers, as TIFF wants them."""
        entries = {tag: entry for tag, entry in self.entries.items() if tag not in set(dropped)}
        entries |= {entry.tag: entry for entry in changed}
        return Directory(self.offset, dict(sorted(entries.items())), self.next_offset)


class Tiff:
    """The bytes of a TIFF file and its byte order."""

    def __init__(self, data: bytes) -> None:
        """Raises NotTiffError where `data` does not begin like a TIFF file."""
        order = _ORDERS.get(bytes(data[:2]))
        if order is None or len(data) < 8 or struct.unpack(order + "H", data[2:4])[0] not in _MAGIC:
            raise NotTiffError("not a TIFF file")
        self.data = data
        self.order = order
        self._directories: dict[int, Directory] = {}
        self._places: list[tuple[int, int]] = [(0, HEADER)]
        self._unread = _TIMES_READ * len(data) + _SMALL_FILE

    def first(self) -> Directory:
        """The directory that the header points to (IFD0)."""
        return self.directory(self._unpack("I", 4)[0])

    def directory(self, offset: int) -> Directory:
        """Read the directory at `offset`; entries with values beyond the end of the file are left out.

        Raises UnreadablePhotoError where it is not inside the file, and where there are more directories, entries or
        values than a photo has: what hostile files make of few bytes.
        """
        if offset not in self._directories:
            if len(self._directories) >= MAX_DIRECTORIES:
                raise UnreadablePhotoError(f"more than {MAX_DIRECTORIES} directories of tags; the file is damaged")
            self._directories[offset] = self._read_directory(offset)
        return self._directories[offset]

    def chain(self) -> list[Directory]:
        """IFD0 and those linked after it, each once, up to where no directory is; raises UnreadablePhotoError."""
        chain = {directory.offset: directory for directory in [self.first()]}
        following = self.first().next_offset
        while following and following not in chain:
            if len(chain) >= MAX_DIRECTORIES:
                raise UnreadablePhotoError(f"more than {MAX_DIRECTORIES} directories of tags; the file is damaged")
            try:
                chain[following] = self.directory(following)
            except UnreadablePhotoError:  # some cameras end the chain with anything
                break
            following = chain[following].next_offset
        return list(chain.values())

    def children(self, parent: Directory, tag: int) -> list[Directory]:
        """The directories that entry `tag` of `parent` points to; raises UnreadablePhotoError as `directory` does."""
        entry = parent.entries.get(tag)
        if entry is not None and entry.count > MAX_DIRECTORIES:
            raise UnreadablePhotoError(f"more than {MAX_DIRECTORIES} directories of tags; the file is damaged")
        return [self.directory(offset) for offset in self.integers(entry)]

    def places(self) -> list[tuple[int, int]]:
        """Start and end of all that has been read: the header, directories, and values that lie outside of them."""
        return list(self._places)

    def numbers(self, entry: Entry | None) -> tuple[float, ...]:
        """Values as floats, none of unknown type; a rational with denominator zero is left as not a number.

        Raises UnreadablePhotoError where there are more than any tag has.
        """
        if entry is None or entry.kind not in _FORMATS:
            return ()
        if entry.count > MAX_NUMBERS:
            raise UnreadablePhotoError(f"tag {entry.tag} has {entry.count} values; the file is damaged")
        values = self._values(entry)
        if entry.kind in (RATIONAL, SRATIONAL):
            pairs = zip(values[::2], values[1::2], strict=True)
            return tuple(top / bottom if bottom else float("nan") for top, bottom in pairs)
        return tuple(float(value) for value in values)

    def integers(self, entry: Entry | None) -> tuple[int, ...]:
        """Values as integers; rationals are cut."""
        return tuple(int(value) for value in self.numbers(entry) if math.isfinite(value))

    def text(self, entry: Entry | None) -> str:
        """An ASCII value up to its first NUL, without characters that could steer a terminal."""
        if entry is None:
            return ""
        return printable(entry.data[:MAX_TEXT].partition(b"\0")[0].decode("utf-8", "replace").strip())

    def encode(self, tag: int, kind: int, values: Sequence[float]) -> Entry:
        """A new entry in the byte order of this file; rationals are rounded to a millionth, or as 32 bits allow."""
        if kind in (RATIONAL, SRATIONAL):
            ratios = [
                _ratio(value, *((0, 2**32 - 1) if kind == RATIONAL else (-(2**31), 2**31 - 1))) for value in values
            ]
            flat: list[float] = [part for ratio in ratios for part in (ratio.numerator, ratio.denominator)]
        else:
            flat = list(values)
        if kind not in (FLOAT, DOUBLE):
            flat = [int(value) for value in flat]
        letters = _FORMATS[kind] * len(values)
        return Entry(tag, kind, len(values), struct.pack(self.order + letters, *flat))

    def encode_text(self, tag: int, text: str) -> Entry:
        """A new ASCII entry."""
        data = text.encode("utf-8") + b"\0"
        return Entry(tag, ASCII, len(data), data)

    def _read_directory(self, offset: int) -> Directory:
        (count,) = self._unpack("H", offset)
        if count > MAX_ENTRIES:
            raise UnreadablePhotoError(f"a directory of {count} tags; the file is damaged")
        self._places.append((offset, offset + 2 + 12 * count))
        entries: dict[int, Entry] = {}
        for index in range(count):
            entry = self._entry(offset + 2 + 12 * index)
            if entry is not None:
                entries.setdefault(entry.tag, entry)
        try:
            (next_offset,) = self._unpack("I", offset + 2 + 12 * count)
        except UnreadablePhotoError:
            next_offset = 0
        return Directory(offset, entries, next_offset)

    def _entry(self, position: int) -> Entry | None:
        tag, kind, count = self._unpack("HHI", position)
        if kind not in _FORMATS:  # the four bytes may be values or an offset: they are kept as they are
            return Entry(tag, kind, count, bytes(self.data[position + 8 : position + 12]))
        size = count * struct.calcsize("<" + _FORMATS[kind])
        offset = position + 8 if size <= 4 else self._unpack("I", position + 8)[0]
        if offset + size > len(self.data):
            return None
        self._unread -= size
        if self._unread < 0:
            raise UnreadablePhotoError("its tags hold more than the file; the file is damaged")
        if size <= 4:
            return Entry(tag, kind, count, bytes(self.data[offset : offset + size]))
        self._places.append((offset, offset + size))
        return Entry(tag, kind, count, bytes(self.data[offset : offset + size]), offset)

    def _values(self, entry: Entry) -> tuple[float, ...]:
        return struct.unpack(self.order + _FORMATS[entry.kind] * entry.count, entry.data)

    def _unpack(self, letters: str, offset: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.order + letters, self.data, offset)
        except struct.error as error:
            raise UnreadablePhotoError("its directories point beyond the end of the file") from error


def empty_tiff(order: str) -> Tiff:
    """A TIFF file with no directory yet; `order` is < for little-endian, > for big-endian."""
    return Tiff(b"II*\0\0\0\0\0" if order == "<" else b"MM\0*\0\0\0\0")


def _ratio(value: float, least: int, most: int) -> Fraction:
    near = min(max(float(value), least), most)
    return Fraction(near).limit_denominator(max(1, min(1_000_000, int(most / max(abs(near), 1.0)))))

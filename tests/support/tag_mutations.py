"""Damage that knows the structure of a TIFF file: tags, tiles and JPEG headers; all by a seed."""

import random
import struct
from collections.abc import Callable, Iterator

from rawclean.errors import UnreadablePhotoError
from rawclean.io.tiff import tags
from rawclean.io.tiff.structure import Directory, Tiff

NUMBERS = (0, 1, 2, 3, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MARKERS = (0xC0, 0xC3, 0xC4, 0xDA, 0xDB, 0xDD)
PLACES = {tags.STRIP_OFFSETS: tags.STRIP_BYTE_COUNTS, tags.TILE_OFFSETS: tags.TILE_BYTE_COUNTS}


def tag_type(data: bytearray, rng: random.Random) -> bytearray:
    """A tag of another type."""
    order, position = _some_row(data, rng)
    struct.pack_into(order + "H", data, position + 2, rng.choice((0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13, 99)))
    return data


def tag_count(data: bytearray, rng: random.Random) -> bytearray:
    """A tag with another number of values."""
    order, position = _some_row(data, rng)
    (count,) = struct.unpack_from(order + "I", data, position + 4)
    struct.pack_into(
        order + "I", data, position + 4, rng.choice((*NUMBERS, count + 1, max(0, count - 1), 4 * count)) % 2**32
    )
    return data


def tag_value(data: bytearray, rng: random.Random) -> bytearray:
    """A tag with another value, or another offset of its values."""
    order, position = _some_row(data, rng)
    (value,) = struct.unpack_from(order + "I", data, position + 8)
    near = (value + 1, value - 1, 2 * value, value ^ 1 << rng.randrange(32), rng.randrange(len(data)))
    struct.pack_into(order + "I", data, position + 8, rng.choice((*NUMBERS, *near)) % 2**32)
    return data


def tag_content(data: bytearray, rng: random.Random) -> bytearray:
    """One of the values behind an offset."""
    tiff = Tiff(bytes(data))
    entries = [entry for page in _pages(tiff) for entry in page.entries.values() if entry.offset and entry.data]
    if not entries:
        return tag_value(data, rng)
    entry = rng.choice(entries)
    place = entry.offset + rng.randrange(len(entry.data)) // 4 * 4
    struct.pack_into(tiff.order + "I", data, min(place, len(data) - 4), rng.choice((*NUMBERS, rng.getrandbits(32))))
    return data


def tag_number(data: bytearray, rng: random.Random) -> bytearray:
    """A tag that becomes another one."""
    order, position = _some_row(data, rng)
    known = [
        value for name, value in vars(tags).items() if name.isupper() and isinstance(value, int) and 250 < value < 65536
    ]
    struct.pack_into(order + "H", data, position, rng.choice(known))
    return data


def tiles(data: bytearray, rng: random.Random) -> bytearray:
    """A tile or strip that is zeroed, cut, noise, or at the place of another one."""
    tiff = Tiff(bytes(data))
    found = [
        (page.entries[offsets], tiff.integers(page.entries[offsets]), tiff.integers(page.entries.get(sizes)))
        for page in _pages(tiff)
        for offsets, sizes in PLACES.items()
        if offsets in page.entries
    ]
    found = [each for each in found if each[1] and len(each[1]) == len(each[2])]
    if not found:
        return tag_value(data, rng)
    entry, offsets, sizes = rng.choice(found)
    index = rng.randrange(len(offsets))
    start = offsets[index] + rng.randrange(max(1, sizes[index]))
    end = min(offsets[index] + sizes[index], start + rng.choice((1, 16, 512, 1 << 14)), len(data))
    kind = rng.randrange(4)
    if kind == 3 and entry.offset:
        struct.pack_into(
            tiff.order + "I", data, entry.offset + 4 * rng.randrange(entry.count), rng.choice((*offsets, *NUMBERS))
        )
    elif kind == 2:
        return data[:start] or data
    elif start < end:
        data[start:end] = bytes(end - start) if kind == 0 else rng.randbytes(end - start)
    return data


def jpeg_header(data: bytearray, rng: random.Random) -> bytearray:
    """A byte in or after one of the markers of a JPEG inside the file."""
    places = [place for marker in MARKERS for place in _found(data, bytes((0xFF, marker)))]
    if not places:
        return tag_value(data, rng)
    place = rng.choice(places) + rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 20))
    if place < len(data):
        data[place] = rng.choice((0, 1, 2, 0x11, 0x7F, 0xFF, rng.randrange(256)))
    return data


TAG_KINDS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    *(tag_type, tag_count, tag_value, tag_content, tag_number),
    *(tiles, jpeg_header),
)


def _found(data: bytearray, words: bytes) -> list[int]:
    places, start = [], data.find(words)
    while start >= 0 and len(places) < 50:
        places.append(start)
        start = data.find(words, start + 1)
    return places


def _pages(tiff: Tiff) -> Iterator[Directory]:
    for page in tiff.chain():
        yield page
        for tag in (tags.SUB_IFDS, tags.EXIF_IFD, tags.GPS_IFD):
            yield from tiff.children(page, tag)


def _some_row(data: bytearray, rng: random.Random) -> tuple[str, int]:
    """Byte order, and where one of the file's tags stands."""
    try:
        tiff = Tiff(bytes(data))
        rows = [page.offset + 2 + 12 * index for page in _pages(tiff) for index in range(len(page.entries))]
        return tiff.order, rng.choice(rows)
    except (UnreadablePhotoError, IndexError):
        return "<", rng.randrange(max(1, len(data) - 12))

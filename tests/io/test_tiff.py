import struct

import pytest

from rawclean.errors import UnreadablePhotoError
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.structure import (
    ASCII,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    Directory,
    Entry,
    Tiff,
    empty_tiff,
)


def tiff_with(order: str, *entries) -> Tiff:
    canvas = TiffCanvas(empty_tiff(order))
    canvas.set_first(canvas.write_directory(Directory(0).with_entries(entries)))
    return Tiff(bytes(canvas.finish()))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (SHORT, [1, 65535]),
        (LONG, [2**32 - 1]),
        (RATIONAL, [0.5, 1024.75]),
        (SRATIONAL, [-0.25, 3]),
        (DOUBLE, [1e-9, -2.5, 7.0]),
    ],
)
def test_values_come_back_in_both_byte_orders(order, kind, values):
    tiff = tiff_with(order, empty_tiff(order).encode(700, kind, values))
    assert tiff.numbers(tiff.first().entries[700]) == tuple(values)


def test_text_ends_at_its_nul():
    tiff = tiff_with("<", empty_tiff("<").encode_text(271, "Maker"))
    entry = tiff.first().entries[271]
    assert (entry.kind, entry.count, tiff.text(entry)) == (ASCII, 6, "Maker")


def test_a_rational_without_denominator_is_no_integer():
    tiff = tiff_with("<")
    entry = tiff.encode(700, RATIONAL, [1])
    broken = tiff_with("<", type(entry)(700, RATIONAL, 1, struct.pack("<II", 5, 0)))
    assert broken.integers(broken.first().entries[700]) == ()


def test_a_released_block_is_used_again_and_the_rest_stays():
    canvas = TiffCanvas(Tiff(b"II*\0\x08\0\0\0" + b"A" * 40 + b"KEEP"))
    canvas.release([(8, 40)])
    assert canvas.place(b"B" * 30) == 8
    data = bytes(canvas.finish())
    assert data[8:38] == b"B" * 30
    assert data[38:48] == bytes(10)
    assert data[48:] == b"KEEP"


def test_a_block_can_keep_its_old_offset():
    canvas = TiffCanvas(empty_tiff("<"))
    canvas.reserve(1000, b"maker note")
    assert canvas.place(b"x" * 100) < 1000
    assert bytes(canvas.finish())[1000:1010] == b"maker note"


@pytest.mark.parametrize("data", [b"", b"II*\0", b"\xff\xd8\xff\xe0 a JPEG file", b"II\0\0\x08\0\0\0"])
def test_other_files_are_no_tiff(data):
    with pytest.raises(UnreadablePhotoError):
        Tiff(data)


def test_a_directory_beyond_the_end_is_an_error():
    with pytest.raises(UnreadablePhotoError, match="beyond the end"):
        Tiff(b"II*\0\xff\xff\0\0").first()


def test_an_entry_beyond_the_end_is_left_out():
    table = struct.pack("<H", 1) + struct.pack("<HHII", 700, LONG, 1000, 8) + bytes(4)
    assert Tiff(b"II*\0\x08\0\0\0" + table).first().entries == {}


@pytest.mark.parametrize("order", ["<", ">"])
def test_entries_of_unknown_type_are_kept(order):
    canvas = TiffCanvas(empty_tiff(order))
    strange = Entry(65001, 77, 5, b"\x01\x02\x03\x04")
    canvas.set_first(canvas.write_directory(Directory(0).with_entries([strange])))
    read = Tiff(bytes(canvas.finish()))
    assert read.first().entries[65001] == strange
    assert read.numbers(read.first().entries[65001]) == ()

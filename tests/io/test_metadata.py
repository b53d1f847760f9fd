"""Metadata of containers for which no sample file could be had, made byte by byte after their public descriptions."""

import struct

import pytest

from rawclean.errors import RawcleanError
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import known_metadata, read_metadata
from rawclean.io.tiff.structure import LONG, RATIONAL, SHORT, Directory, empty_tiff


def tiff_block(entries, exif=()) -> bytes:
    canvas = TiffCanvas(empty_tiff("<"))
    if exif:
        link = canvas.tiff.encode(tags.EXIF_IFD, LONG, [canvas.write_directory(Directory(0).with_entries(exif))])
        entries = [*entries, link]
    canvas.set_first(canvas.write_directory(Directory(0).with_entries(entries)))
    return bytes(canvas.finish())


BUILD = empty_tiff("<")
CAMERA = [
    BUILD.encode_text(tags.MAKE, "Maker"),
    BUILD.encode_text(tags.MODEL, "Maker X"),
    BUILD.encode(tags.ORIENTATION, SHORT, [6]),
]
EXIF = [BUILD.encode(tags.ISO_SPEED, SHORT, [800]), BUILD.encode(tags.EXPOSURE_TIME, RATIONAL, [0.01])]


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


CR3 = box(b"ftyp", b"crx ") + box(
    b"moov", box(b"CMT1", tiff_block(CAMERA)) + box(b"CMT2", tiff_block(EXIF)) + box(b"CMT4", tiff_block([]))
)
RAF = b"FUJIFILMCCD-RAW " + bytes(100) + b"\xff\xd8\xff\xe1\0\0Exif\0\0" + tiff_block(CAMERA, EXIF)
MRW = b"\0MRM\0\0\1\0\0PRD" + bytes(24) + b"\0TTW\0\0\1\0" + tiff_block(CAMERA, EXIF)


@pytest.mark.parametrize("data", [CR3, RAF, MRW, tiff_block(CAMERA, EXIF)], ids=["cr3", "raf", "mrw", "tiff"])
def test_camera_and_exposure_are_found_in_every_container(tmp_path, data):
    (tmp_path / "photo").write_bytes(data)
    facts = read_metadata(tmp_path / "photo")
    assert str(facts.camera) == "Maker X"
    assert facts.orientation == 6
    assert facts.iso == 800
    assert facts.exif_number(tags.EXPOSURE_TIME) == 0.01
    assert not facts.is_dng


def test_a_file_without_metadata_has_none(tmp_path):
    (tmp_path / "photo").write_bytes(b"nothing here" * 100)
    facts = read_metadata(tmp_path / "photo")
    assert facts.tiff is None
    assert str(facts.camera) == "unknown camera"


SENSITIVITIES = [
    ([(tags.ISO_SPEED, SHORT, 800)], [], 800),
    ([(tags.ISO_SPEED, SHORT, 65535), (tags.RECOMMENDED_EXPOSURE_INDEX, LONG, 102400)], [], 102400),
    ([(tags.ISO_SPEED, SHORT, 65535), (tags.STANDARD_OUTPUT_SENSITIVITY, LONG, 204800)], [], 204800),
    ([(tags.ISO_SPEED, SHORT, 65535), (tags.ISO_SPEED_LONG, LONG, 409600)], [], 409600),
    ([(tags.STANDARD_OUTPUT_SENSITIVITY, LONG, 320)], [], 320),
    ([(tags.ISO_SPEED_LONG, LONG, 320)], [], 320),
    ([], [(tags.ISO_SPEED, SHORT, 744)], 744),
    ([(tags.ISO_SPEED, SHORT, 65535)], [], None),
    ([(tags.ISO_SPEED, SHORT, 0)], [(tags.ISO_SPEED, SHORT, 50)], 50),
]


@pytest.mark.parametrize(("exif", "first", "iso"), SENSITIVITIES)
def test_iso_is_found_wherever_cameras_put_it(tmp_path, exif, first, iso):
    exif, first = ([BUILD.encode(tag, kind, [value]) for tag, kind, value in entries] for entries in (exif, first))
    (tmp_path / "photo").write_bytes(tiff_block([*CAMERA, *first], [*exif, BUILD.encode(tags.F_NUMBER, RATIONAL, [4])]))
    assert read_metadata(tmp_path / "photo").iso == iso


def test_a_file_larger_than_a_photo_is_not_read(tmp_path):
    with (tmp_path / "a.dng").open("wb") as file:
        file.write(tiff_block(CAMERA, EXIF))
        file.truncate(20 << 30)
    with pytest.raises(RawcleanError, match="20 GiB are more than a RAW photo has"):
        read_raw(tmp_path / "a.dng")
    (tmp_path / "b.crw").write_bytes(b"nothing")
    with (tmp_path / "b.crw").open("r+b") as file:
        file.truncate(20 << 30)
    with pytest.raises(RawcleanError, match="not a RAW photo"):
        read_raw(tmp_path / "b.crw")


def ciff(records: list[tuple[int, int, int]]) -> bytes:
    """A heap whose directory has records of kind, size and offset."""
    table = struct.pack("<H", len(records)) + b"".join(struct.pack("<HII", *record) for record in records)
    return b"II\x1a\0\0\0HEAPCCDR" + bytes(12) + table + struct.pack("<I", 0)


@pytest.mark.parametrize("count", [1, 2, 20])
def test_a_heap_that_holds_itself_has_no_end(tmp_path, count):
    size = len(ciff([(0x300A, 0, 0)] * count)) - 26
    (tmp_path / "a.crw").write_bytes(ciff([(0x300A, size, 0)] * count))
    for read in (read_metadata, read_raw):
        with pytest.raises(RawcleanError, match="more than 64 directories"):
            read(tmp_path / "a.crw")
    assert known_metadata(tmp_path / "a.crw") is None


def test_a_long_chain_of_directories_has_no_end(tmp_path):
    pages = b"".join(struct.pack("<HI", 0, 8 + 6 * (index + 1)) for index in range(100))
    (tmp_path / "a.dng").write_bytes(b"II*\0\x08\0\0\0" + pages)
    with pytest.raises(RawcleanError, match="more than 64 directories"):
        read_metadata(tmp_path / "a.dng")


def test_values_that_overlap_are_read_once_or_not_at_all(tmp_path):
    row = struct.pack("<HHII", 700, 1, 100_000, 0)
    table = struct.pack("<H", 400) + row * 400 + bytes(4)
    (tmp_path / "a.dng").write_bytes(b"II*\0\x08\0\0\0" + table + bytes(100_000))
    with pytest.raises(RawcleanError, match="tags hold more than the file"):
        read_metadata(tmp_path / "a.dng")

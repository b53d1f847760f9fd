"""Metadata of containers for which no sample file could be had, made byte by byte after their public descriptions."""

import struct

import pytest

from rawclean.io import metadata as tags
from rawclean.io.metadata import read_metadata
from rawclean.io.tiff import LONG, RATIONAL, SHORT, Directory, TiffCanvas, empty_tiff


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

"""Files of cameras that end too early: refused, although LibRaw would fill up what is missing."""

import contextlib
import struct

import pytest
from dng_matrix import CASES

from rawclean.errors import UnreadablePhotoError
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import read_metadata
from rawclean.io.tiff.structure import LONG, Tiff
from rawclean.io.whole import check_whole


@pytest.mark.parametrize("cut", [1, 100, 1500])
def test_the_end_of_a_photo_of_another_format_is_cut_off(shared, tmp_path, cut):
    for name in ("nikon_d1_iso200_bggr.nef", "kodak_dc120_chart.kdc"):
        path = shared / "raw" / name
        (tmp_path / name).write_bytes(path.read_bytes()[:-cut])
        with pytest.raises(UnreadablePhotoError, match="beyond the end of the file"):
            read_raw(tmp_path / name)


CONTAINERS = {
    "a.raf": b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">6I", 108, 20, 128, 20, 148, 52) + bytes(92),
    "a.cr3": struct.pack(">I8s", 24, b"ftypcrx ") + bytes(12) + struct.pack(">I4sQ", 1, b"mdat", 176) + bytes(160),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_end_of_another_container_is_cut_off(tmp_path, name):
    path = tmp_path / name
    assert len(CONTAINERS[name]) == 200
    for size, message in ((200, "not a RAW photo"), (199, "beyond the end of the file")):
        path.write_bytes(CONTAINERS[name][:size])
        with pytest.raises(UnreadablePhotoError, match=message):
            read_raw(path)


@pytest.mark.parametrize("name", ["guitar.dng", "nikon_d1_iso200_bggr.nef"])
@pytest.mark.parametrize("magic", [0, 43, 0x2A00])
def test_a_file_whose_first_bytes_are_damaged(request, sample, tmp_path, name, magic):
    """LibRaw reads it as if nothing were wrong, and no place or level in it would be checked."""
    path = sample if name == sample.name else request.getfixturevalue("shared") / "raw" / name
    data = bytearray(path.read_bytes())
    struct.pack_into("<H" if data[:2] == b"II" else ">H", data, 2, magic)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadablePhotoError, match="first bytes are damaged"):
        read_raw(tmp_path / name)


@pytest.mark.parametrize("name", ["float_32", "ljpeg_tiles", "pattern_RGGB"])
def test_a_dng_that_says_so_elsewhere(tmp_path, name):
    path = CASES[name].write(tmp_path / "a.dng")
    tiff = Tiff(path.read_bytes())
    canvas, first = TiffCanvas(tiff), tiff.first()
    (raw,) = tiff.children(first, tags.SUB_IFDS)
    version = first.entries[tags.DNG_VERSION]
    link = tiff.encode(tags.SUB_IFDS, LONG, [canvas.write_directory(raw.with_entries([version]))])
    canvas.set_first(canvas.write_directory(first.with_entries([link], [tags.DNG_VERSION])))
    path.write_bytes(canvas.finish())
    with pytest.raises(UnreadablePhotoError, match="DNGVersion"):
        read_raw(path)


def test_sizes_of_other_makers_may_mean_something_else(shared, tmp_path):
    """Panasonic's and Hasselblad's may be those of the samples before they are compressed."""
    data = (shared / "raw" / "nikon_d1_iso200_bggr.nef").read_bytes()
    make = b"NIKON CORPORATION"
    for name, ends in (("HASSELBLAD", False), ("Nikon", True)):
        path = tmp_path / "a.nef"
        path.write_bytes(data[:-100].replace(make, name.encode().ljust(len(make), b"\0")))
        facts = read_metadata(path)
        with pytest.raises(UnreadablePhotoError) if ends else contextlib.nullcontext():
            check_whole(path, facts)

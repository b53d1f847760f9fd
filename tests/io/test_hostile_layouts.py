"""Raw images whose tags say something unusual: read as they say, or refused, never taken for something else."""

import os
import shutil
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from dng_factory import Storage, entry, make_frame, places, write_dng

from rawclean.core.layout import PlainLayout
from rawclean.errors import InvalidLevelsError, RawcleanError, UnreadablePhotoError, UnsupportedSensorError
from rawclean.io.applied import is_denoised
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import known_metadata, read_metadata
from rawclean.io.tiff.structure import LONG, RATIONAL, SHORT, Directory, Entry, Tiff
from rawclean.io.xmp import MOST_BYTES, copy_sidecars, sidecar_packet


def rewritten(path: Path, change) -> Path:
    """With `change` made to the raw directory; it is given the file under change and the directory."""
    tiff = Tiff(path.read_bytes())
    canvas, first = TiffCanvas(tiff), tiff.first()
    raw = change(canvas, tiff.children(first, tags.SUB_IFDS)[0])
    link = tiff.encode(tags.SUB_IFDS, LONG, [canvas.write_directory(raw)])
    canvas.set_first(canvas.write_directory(first.with_entries([link])))
    path.write_bytes(canvas.finish())
    return path


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize(
    "storage",
    [
        {"tile": (96, 160)},
        {"tile": (16, 160)},
        {"tile": (128, 256)},
        {"tile": (48, 80)},
        {"rows": 16},
        {"rows": 16, "order": ">"},
    ],
)
def test_plain_samples_lie_where_the_tags_say(tmp_path, storage, bits):
    frame = make_frame((96, 150), black=(8,) * 4, white=(1 << bits) - 1)
    frame.raster[:] = frame.raster.round()
    read = read_raw(write_dng(tmp_path / "a.dng", frame, storage=Storage(bits, **storage))).frame
    assert np.array_equal(read.raster, frame.raster)


@pytest.mark.parametrize("layout", PlainLayout)
@pytest.mark.parametrize("padding", [2, 32, 511])
def test_bytes_between_strips_are_no_samples(tmp_path, layout, padding):
    frame = make_frame((96, 150), layout)
    path = write_dng(tmp_path / "a.dng", frame, storage=Storage(rows=16))

    def padded(canvas, raw):
        (offset_tag, offsets), (size_tag, sizes) = places(path)
        blocks = [canvas.tiff.data[at : at + size] + bytes(padding) for at, size in zip(offsets, sizes, strict=True)]
        moved = [canvas.place(block) for block in blocks]
        lengths = [len(block) for block in blocks]
        return raw.with_entries([entry(offset_tag, LONG, moved), entry(size_tag, LONG, lengths)])

    assert np.array_equal(read_raw(rewritten(path, padded)).frame.raster, frame.raster)


@pytest.mark.parametrize(
    ("change", "dropped", "reason"),
    [
        (entry(tags.FILL_ORDER, SHORT, [2]), (), "reverse order"),
        (entry(tags.BITS_PER_SAMPLE, SHORT, [1]), (), "damaged"),
        (entry(tags.BITS_PER_SAMPLE, SHORT, [0]), (), "damaged"),
        (entry(tags.BITS_PER_SAMPLE, SHORT, [33]), (), "damaged"),
        (None, (tags.BITS_PER_SAMPLE,), "damaged"),
        (entry(tags.ACTIVE_AREA, RATIONAL, [0, 0, 64, 96]), (), None),
    ],
)
def test_numbers_that_no_raw_image_has(tmp_path, change, dropped, reason):
    path = write_dng(tmp_path / "a.dng", make_frame(), [change] if change else [], dropped)
    if reason is None:
        assert read_raw(path).frame.samples.shape == (64, 96)
        return
    with pytest.raises(RawcleanError, match=reason):
        read_raw(path)


def test_an_active_area_of_no_numbers(tmp_path):
    nowhere = Entry(tags.ACTIVE_AREA, RATIONAL, 4, struct.pack("<8I", *[1, 0] * 4))
    with pytest.raises(InvalidLevelsError, match="ActiveArea"):
        read_raw(write_dng(tmp_path / "a.dng", make_frame(), [nowhere]))


@pytest.mark.parametrize("parts", ["one", "all"])
def test_a_lossless_jpeg_of_another_precision(tmp_path, parts):
    """One bit of a frame header moves every sample of its tile."""
    storage = Storage(14, tile=(32, 32), compression=7)
    path = write_dng(tmp_path / "a.dng", make_frame(), storage=storage)
    with pytest.raises(UnreadablePhotoError, match="16 bits for samples of 14"):  # as our own encoder has it
        read_raw(path)
    (_, offsets), _ = places(write_dng(path, make_frame(), storage=Storage(16, tile=(32, 32), compression=7)))
    data = bytearray(path.read_bytes())
    for offset in offsets if parts == "all" else offsets[1:2]:
        data[data.index(b"\xff\xc3", offset) + 4] = 15
    path.write_bytes(data)
    if parts == "one":
        with pytest.raises(UnreadablePhotoError, match="different precision"):
            read_raw(path)


@pytest.mark.parametrize(("predictor", "distance"), [(2, 1), (34892, 2), (34893, 4)])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("layout", [None, PlainLayout.LINEAR_RGB])
def test_deflated_differences_of_integers(tmp_path, predictor, distance, order, layout):
    frame = make_frame((64, 96), layout) if layout else make_frame((64, 96))
    storage = Storage(rows=64, compression=8, order=order)
    path = write_dng(tmp_path / "a.dng", frame, [entry(tags.PREDICTOR, SHORT, [predictor], order)], storage=storage)
    samples = np.moveaxis(np.atleast_3d(frame.raster.T), 0, 1) if layout is None else np.moveaxis(frame.raster, 0, -1)
    samples = samples.reshape(64, 96, -1).astype(np.uint16)
    if layout is None:
        samples = frame.raster.astype(np.uint16)[..., None]
    differences = samples.copy()
    differences[:, distance:] -= samples[:, :-distance]
    block = zlib.compress(differences.astype(f"{order}u2").tobytes())

    def stored(canvas, raw):
        places_ = [(tags.STRIP_OFFSETS, canvas.place(block)), (tags.STRIP_BYTE_COUNTS, len(block))]
        return raw.with_entries([entry(tag, LONG, [value], order) for tag, value in places_])

    assert np.array_equal(read_raw(rewritten(path, stored)).frame.raster, frame.raster)


@pytest.mark.parametrize("where", ["IFD1", "below IFD1"])
@pytest.mark.parametrize("compression", [1, 7])
def test_a_raw_image_where_no_dng_has_it(tmp_path, where, compression):
    path = write_dng(tmp_path / "a.dng", make_frame(), storage=Storage(rows=16, compression=compression))
    tiff = Tiff(path.read_bytes())
    canvas, first = TiffCanvas(tiff), tiff.first()
    raw = canvas.write_directory(tiff.children(first, tags.SUB_IFDS)[0])
    small = [entry(tags.NEW_SUBFILE_TYPE, LONG, [1]), entry(tags.SUB_IFDS, LONG, [raw])]
    second = raw if where == "IFD1" else canvas.write_directory(Directory(0).with_entries(small))
    top = Directory(0, first.with_entries([], dropped=[tags.SUB_IFDS]).entries, second)
    canvas.set_first(canvas.write_directory(top))
    path.write_bytes(canvas.finish())
    with pytest.raises(UnsupportedSensorError, match="neither in the first directory"):
        read_raw(path)


@pytest.mark.parametrize("loop", ["first", "twice"])
def test_directories_that_contain_themselves(tmp_path, loop):
    path = write_dng(tmp_path / "a.dng", make_frame(), storage=Storage(in_first=loop == "first"))
    tiff = Tiff(path.read_bytes())
    canvas, first = TiffCanvas(tiff), tiff.first()
    there = [page.offset for page in tiff.children(first, tags.SUB_IFDS)]
    at = canvas.write_directory(first.with_entries([entry(tags.SUB_IFDS, LONG, [0, 0])]))
    links = [at, at] if loop == "first" else there * 2
    place = canvas.place(struct.pack("<2I", *links))
    row = next(
        at + 2 + 12 * index
        for index in range(len(first.entries) + (loop == "first"))
        if struct.unpack_from("<H", canvas.finish(), at + 2 + 12 * index)[0] == tags.SUB_IFDS
    )
    canvas.patch(row + 8, struct.pack("<I", place))
    canvas.set_first(at)
    path.write_bytes(canvas.finish())
    with pytest.raises(UnreadablePhotoError, match="contain themselves"):
        read_raw(path)


@pytest.mark.parametrize("extra", [14, 500])
def test_a_lossy_tile_that_the_decoder_leaves_early(shared, tmp_path, extra):
    """Bytes that are coded data, by the markers, and that no decoder comes to."""
    path = tmp_path / "a.dng"
    shutil.copy(shared / "raw" / "canon_eos_6d_lossy_linear_iso1000.dng", path)
    metadata = read_metadata(path)
    offsets, sizes = (list(metadata.integers(tag)) for tag in (tags.TILE_OFFSETS, tags.TILE_BYTE_COUNTS))
    tiff = metadata.tiff
    canvas, raw = TiffCanvas(tiff), metadata.raw
    block = tiff.data[offsets[1] : offsets[1] + sizes[1]]
    end = block.rindex(b"\xff\xd9")
    block = block[:end] + bytes(extra) + block[end:]
    offsets[1], sizes[1] = canvas.place(block), len(block)
    changed = raw.with_entries(
        tiff.encode(tag, LONG, values) for tag, values in ((tags.TILE_OFFSETS, offsets), (tags.TILE_BYTE_COUNTS, sizes))
    )
    at, first = canvas.write_directory(changed), tiff.first()
    pages = [at if page == raw.offset else page for page in tiff.integers(first.entries.get(tags.SUB_IFDS))]
    links = first.with_entries([tiff.encode(tags.SUB_IFDS, LONG, pages)]) if pages else changed
    canvas.set_first(canvas.write_directory(links) if pages else at)
    path.write_bytes(canvas.finish())
    with pytest.raises(UnreadablePhotoError, match="extraneous"):
        read_raw(path)


def even_tile(side: int) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(np.full((side, side), 900, np.uint16), lossless=True, effort=3))


@pytest.mark.parametrize(("side", "size"), [(4096, (4096, 4096)), (8192, (128, 160))])
def test_a_few_bytes_of_jpeg_xl_are_no_photo_of_many_samples(tmp_path, side, size):
    tile = even_tile(side)
    path = write_dng(tmp_path / "a.dng", make_frame((128, 160)), storage=Storage(tile=(128, 160), compression=1))

    def huge(canvas, raw):
        numbers = {
            **{tags.IMAGE_LENGTH: size[0], tags.IMAGE_WIDTH: size[1], tags.COMPRESSION: tags.COMPRESSION_JPEG_XL},
            **{tags.TILE_LENGTH: side, tags.TILE_WIDTH: side},
            **{tags.TILE_OFFSETS: canvas.place(tile), tags.TILE_BYTE_COUNTS: len(tile)},
        }
        area = entry(tags.ACTIVE_AREA, LONG, [0, 0, *size])
        return raw.with_entries([area, *(entry(tag, LONG, [value]) for tag, value in numbers.items())])

    with pytest.raises(UnreadablePhotoError, match="the file is damaged"):
        read_raw(rewritten(path, huge))


def test_sidecars_of_impossible_size_are_left(tmp_path):
    source = write_dng(tmp_path / "a.dng", make_frame())
    for name in ("a.xmp", "a.dng.xmp", "a.dng.pp3"):
        with (tmp_path / name).open("wb") as file:
            os.truncate(file.fileno(), 1 << 31)
    assert sidecar_packet(source) is None
    assert not is_denoised(source, known_metadata(source))
    said = copy_sidecars(source, tmp_path / "out.dng", denoised=True)
    assert said.count("MiB are more than a sidecar has") == 3
    assert not list(tmp_path.glob("out*"))
    (tmp_path / "b.dng.xmp").write_bytes(b" " * (MOST_BYTES + 1) + b"darktable:neural_restore='raw-denoise'")
    copy = Path(shutil.copy(source, tmp_path / "b.dng"))
    assert not is_denoised(copy, known_metadata(copy))

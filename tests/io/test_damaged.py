"""Raw images that are not all there, or not what their tags say: refused; LibRaw would fill them with old memory."""

import contextlib
import random
import resource
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dng_factory import Storage, entry, make_frame, places, write_dng
from ljpeg_variants import encode

from rawclean.core.layout import PlainLayout
from rawclean.core.noise import NoiseModel
from rawclean.errors import RawcleanError, UnreadablePhotoError
from rawclean.io import libraw
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.dng.ljpeg_reader import decode_lossless
from rawclean.io.raw import count_samples, read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import known_metadata, read_metadata
from rawclean.io.tiff.structure import LONG, SHORT, UNDEFINED, Directory, Entry, Tiff
from rawclean.io.writers import write_photo

STORED = {
    "strips": Storage(rows=16),
    "tiles": Storage(tile=(32, 32)),
    "ljpeg": Storage(tile=(32, 32), compression=7),
    "ljpeg_strips": Storage(rows=16, compression=7),
    "deflate": Storage(tile=(32, 32), compression=8),
    "float": Storage(32, tile=(32, 32), compression=8, floating=True),
}
CASES = {
    "damaged": ("zeroed_tile",),
    "hostile": (
        *("dims_20000_float", "dims_20000_ljpeg", "ifd_overlap", "ifd_overlap_small", "sof_big", "chain_100k"),
        *("preview_30000", "previews_62"),
    ),
}
SECONDS, MEBIBYTES = 3.0, 300


def write(path: Path, storage: Storage, changes=()) -> Path:
    white = 1.0 if storage.floating else 16383
    return write_dng(path, make_frame((64, 96), black=(0,) * 4, white=white), changes, storage=storage)


def spoil(data: bytearray, start: int, size: int, how: str) -> None:
    """Damage the middle of a block."""
    middle = slice(start + size // 3, start + 2 * size // 3)
    data[middle] = {"zeros": bytes, "ones": lambda count: b"\xff" * count}[how](middle.stop - middle.start)


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Soon, and with little memory."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert time.process_time() - start < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < MEBIBYTES


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("offsets", 0, "is missing"),
        ("offsets", 1 << 30, "beyond the end"),
        ("offsets", None, "at the same place"),
        ("sizes", 0, "is missing"),
        ("sizes", 1 << 30, "beyond the end"),
        ("sizes", 3, "cannot hold|no whole JPEG|another size"),
    ],
)
@pytest.mark.parametrize("name", STORED)
def test_a_part_that_is_not_there(tmp_path, name, kind, value, message):
    offsets, sizes = places(write(tmp_path / "a.dng", STORED[name]))
    tag, values = offsets if kind == "offsets" else sizes
    values[1] = values[0] if value is None else value
    with pytest.raises(UnreadablePhotoError, match=message):
        read_raw(write(tmp_path / "b.dng", STORED[name], [entry(tag, LONG, values)]))


@pytest.mark.parametrize("name", STORED)
def test_too_few_parts(tmp_path, name):
    (tag, values), _ = places(write(tmp_path / "a.dng", STORED[name]))
    with pytest.raises(UnreadablePhotoError, match="parts of its raw image are there"):
        read_raw(write(tmp_path / "b.dng", STORED[name], [entry(tag, LONG, values[:-1])]))


@pytest.mark.parametrize("how", ["zeros", "ones"])
@pytest.mark.parametrize("name", [name for name, storage in STORED.items() if storage.compression != 1])
def test_a_compressed_part_with_a_damaged_middle(tmp_path, name, how):
    path = write(tmp_path / "a.dng", STORED[name])
    (_, offsets), (_, sizes) = places(path)
    data = bytearray(path.read_bytes())
    spoil(data, offsets[1], sizes[1], how)
    path.write_bytes(data)
    with pytest.raises(UnreadablePhotoError, match=r"(part|tile) of its raw image"):
        read_raw(path)


def test_a_restart_where_none_is_announced(tmp_path):
    path = write(tmp_path / "a.dng", STORED["ljpeg"])
    (_, offsets), (_, counts) = places(path)
    data = bytearray(path.read_bytes())
    middle = offsets[0] + counts[0] // 2
    data[middle : middle + 2] = b"\xff\xd0"
    path.write_bytes(data)
    with pytest.raises(UnreadablePhotoError, match="starts again"):
        read_raw(path)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_lossy_tile_that_ends_too_early(shared, tmp_path, share):
    data = bytearray((shared / "raw" / "canon_eos_6d_lossy_linear_iso1000.dng").read_bytes())
    path = tmp_path / "a.dng"
    path.write_bytes(data)
    facts = read_metadata(path)
    offset, size = facts.integers(tags.TILE_OFFSETS)[-1], facts.integers(tags.TILE_BYTE_COUNTS)[-1]
    data[offset + int(share * size) : offset + size] = bytes(size - int(share * size))
    path.write_bytes(data)
    with pytest.raises(UnreadablePhotoError):
        read_raw(path)
    path.write_bytes(data[: offset + int(share * size)])
    with pytest.raises(UnreadablePhotoError):
        read_raw(path)


def test_what_the_jpeg_library_says_of_a_lossy_tile_counts(shared, tmp_path):
    data = bytearray((shared / "raw" / "canon_eos_6d_lossy_linear_iso1000.dng").read_bytes())
    facts = read_metadata(shared / "raw" / "canon_eos_6d_lossy_linear_iso1000.dng")
    spoil(data, facts.integers(tags.TILE_OFFSETS)[2], facts.integers(tags.TILE_BYTE_COUNTS)[2], "zeros")
    (tmp_path / "a.dng").write_bytes(data)
    with pytest.raises(UnreadablePhotoError, match="cannot be decoded to its end"):
        read_raw(tmp_path / "a.dng")


@pytest.mark.skipif(libraw._MALLOPT is None, reason="only glibc marks new memory")
def test_samples_that_libraw_leaves_out_are_found(tmp_path):
    """LibRaw stops at a tile that is no JPEG; in other formats, too, it leaves what it cannot decode as it was."""
    path = write(tmp_path / "a.dng", STORED["ljpeg"])
    with libraw.opened(path) as raw:
        assert libraw.samples(raw, path).shape == (64, 96)
    (_, offsets), _ = places(path)
    data = bytearray(path.read_bytes())
    data[offsets[2] : offsets[2] + 2] = bytes(2)
    path.write_bytes(data)
    with libraw.opened(path) as raw, pytest.raises(UnreadablePhotoError, match="cannot be decoded to its end"):
        libraw.samples(raw, path)


@pytest.mark.skipif(libraw._MALLOPT is None, reason="only glibc marks new memory")
def test_samples_of_the_value_of_the_mark_are_samples(tmp_path):
    frame = make_frame(black=(0,) * 4, white=65535)
    frame.samples[::2] = 0x0101 * libraw._MARKS[0]
    read = read_raw(write_dng(tmp_path / "a.dng", frame)).frame
    assert np.array_equal(read.raster, frame.raster)


@pytest.mark.parametrize("components", [1, 2, 3, 4])
@pytest.mark.parametrize("precision", [8, 12, 14, 16])
def test_every_kind_of_lossless_jpeg_is_decoded_and_checked(precision, components):
    rng = np.random.default_rng(precision)
    samples = (rng.normal(0.4, 0.05, (40, 64, components)).clip(0, 1) * ((1 << precision) - 1)).astype(np.uint16)
    samples[3, 3:5] = [[0], [(1 << precision) - 1]]
    for selection in range(1, 8):
        stream = encode(samples, selection, precision)
        assert np.array_equal(decode_lossless(stream), samples.ravel())
        with pytest.raises(UnreadablePhotoError):
            decode_lossless(stream[: len(stream) // 2])


@pytest.mark.parametrize("size", [(64, 96), (50, 70)])
@pytest.mark.parametrize("layout", [PlainLayout.LINEAR_RGB, PlainLayout.MONOCHROME])
def test_tiles_that_reach_beyond_the_image(tmp_path, layout, size):
    frame = make_frame(size, layout)
    read = read_raw(write_dng(tmp_path / "a.dng", frame, storage=Storage(tile=(32, 32), compression=7))).frame
    assert np.array_equal(read.raster, frame.raster)


@pytest.mark.parametrize("over", ["header", "raw directory", "IFD0", "values", "preview"])
@pytest.mark.parametrize("name", ["strips", "ljpeg"])
def test_a_part_over_something_else(tmp_path, name, over):
    path = write(tmp_path / "a.dng", STORED[name])
    (tag, offsets), _ = places(path)
    facts = read_metadata(path)
    first = facts.tiff.first()
    offsets[1] = {
        "header": 4,
        "raw directory": facts.raw.offset + 8,
        "IFD0": first.offset + 8,
        "values": facts.raw.entries[tags.ACTIVE_AREA].offset,
        "preview": facts.tiff.integers(first.entries[tags.STRIP_OFFSETS])[0],
    }[over]
    path = write(tmp_path / "b.dng", STORED[name], [entry(tag, LONG, offsets)])
    path.write_bytes(path.read_bytes() + bytes(8192))  # so that nothing lies beyond the end
    with pytest.raises(UnreadablePhotoError, match="lies over tags or a preview"):
        read_raw(path)


def test_strips_in_any_order_are_read_where_they_lie(tmp_path):
    path = write(tmp_path / "a.dng", STORED["strips"])
    (tag, offsets), _ = places(path)
    sound = read_raw(path).frame.raster
    turned = read_raw(write(tmp_path / "b.dng", STORED["strips"], [entry(tag, LONG, offsets[::-1])])).frame.raster
    assert np.array_equal(turned, np.concatenate(np.split(sound, range(16, len(sound), 16))[::-1]))


def test_a_last_strip_that_is_filled_up(tmp_path):
    shorter = [entry(tags.IMAGE_LENGTH, LONG, [60]), entry(tags.ACTIVE_AREA, LONG, [0, 0, 60, 96])]
    sound = read_raw(write(tmp_path / "a.dng", STORED["ljpeg_strips"])).frame.raster
    assert np.array_equal(read_raw(write(tmp_path / "b.dng", STORED["ljpeg_strips"], shorter)).frame.raster, sound[:60])


@pytest.mark.parametrize(
    "name", ["black_rep_neg", "cfa_empty", "delta_inf", "floatcomp_48124", "fsample_huge", "tile_0"]
)
def test_bad_tags_are_refused_in_one_line(shared, name):
    with pytest.raises(RawcleanError) as failure:
        read_raw(shared / "cases" / "bad_tags" / f"{name}.dng")
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, names in CASES.items() for name in names])
def test_cases_are_refused_or_read_with_little(shared, folder, name):
    path = shared / "cases" / folder / f"{name}.dng"
    with bounded():
        metadata = known_metadata(path)
        if metadata:
            count_samples(path, metadata)
        with contextlib.suppress(RawcleanError):
            read_raw(path)


def test_a_damaged_tile_is_not_filled_with_another_photo(shared):
    with pytest.raises(UnreadablePhotoError, match="copy the file from the card again"):
        read_raw(shared / "cases" / "damaged" / "zeroed_tile.dng")


@pytest.mark.parametrize("side", [1 << 15, 1 << 16, (1 << 31) - 1])
@pytest.mark.parametrize("name", STORED)
def test_sizes_without_data(tmp_path, name, side):
    sizes = [entry(tag, LONG, [side]) for tag in (tags.IMAGE_WIDTH, tags.IMAGE_LENGTH, tags.TILE_WIDTH)]
    sizes += [entry(tag, LONG, [side]) for tag in (tags.TILE_LENGTH, tags.ROWS_PER_STRIP)]
    with bounded(), pytest.raises(UnreadablePhotoError):
        read_raw(write(tmp_path / "a.dng", STORED[name], sizes))


@pytest.mark.parametrize("tag", [tags.TILE_LENGTH, tags.TILE_WIDTH, tags.IMAGE_WIDTH, tags.SAMPLES_PER_PIXEL])
@pytest.mark.parametrize("values", [[], [0], [3, 4]])
def test_sizes_that_are_none(tmp_path, tag, values):
    with pytest.raises(UnreadablePhotoError):
        read_raw(write(tmp_path / "a.dng", STORED["ljpeg"], [entry(tag, SHORT, values)]))


@pytest.mark.parametrize(("compression", "side"), [(1, 1), (1, 2), (7, 2), (8, 1)])
def test_more_tiles_than_a_photo_has(tmp_path, compression, side):
    path = tmp_path / "a.dng"
    write_dng(path, make_frame((400, 400)), storage=Storage(tile=(side, side), compression=compression))
    with bounded(), pytest.raises(UnreadablePhotoError, match="parts of"):
        read_raw(path)


def test_many_places_of_pictures_cost_no_time(tmp_path):
    """200,000 strips of a preview with a gap after each, which the writer gives back."""
    path = write_dng(tmp_path / "a.dng", make_frame())
    tiff = Tiff(path.read_bytes() + bytes(1_600_000))
    canvas, count, start = TiffCanvas(tiff), 200_000, path.stat().st_size
    strips = [
        tiff.encode(tags.STRIP_OFFSETS, LONG, range(start, start + 8 * count, 8)),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, [4] * count),
    ]
    canvas.set_first(canvas.write_directory(tiff.first().with_entries(strips)))
    path.write_bytes(canvas.finish())
    with bounded():
        write_photo(tmp_path / "out.dng", DenoisedPhoto(read_raw(path), NoiseModel.uniform(1e-4, 1e-6), 1.0))


def test_maker_notes_stay_where_another_value_reaches_over_them(tmp_path):
    """A damaged count must not let the writer give their place away."""
    path = write_dng(tmp_path / "a.dng", make_frame())
    tiff = Tiff(path.read_bytes())
    canvas, first = TiffCanvas(tiff), tiff.first()
    note = Entry(tags.MAKER_NOTE, UNDEFINED, 4000, bytes(range(250)) * 16)
    before = Entry(tags.EXIF_VERSION, UNDEFINED, 8, b"02320232")
    exif = canvas.write_directory(Directory(0).with_entries([before, note]))
    canvas.set_first(canvas.write_directory(first.with_entries([tiff.encode(tags.EXIF_IFD, LONG, [exif])])))
    data = canvas.finish()
    place = data.find(note.data) - len(before.data)
    struct.pack_into("<I", data, exif + 2 + 4, 508)  # of the version, which comes first
    path.write_bytes(data)
    assert read_metadata(path).exif.entries[tags.EXIF_VERSION].data[8:] == note.data[:500]
    assert data[place : place + 8] == before.data
    write_photo(tmp_path / "out.dng", DenoisedPhoto(read_raw(path), NoiseModel.uniform(1e-4, 1e-6), 1.0))
    assert read_metadata(tmp_path / "out.dng").exif.entries[tags.MAKER_NOTE].data == note.data


def test_more_sub_images_than_a_photo_has(tmp_path):
    path = write_dng(tmp_path / "a.dng", make_frame())
    tiff = Tiff(path.read_bytes())
    canvas = TiffCanvas(tiff)
    links = tiff.encode(tags.SUB_IFDS, LONG, [*tiff.integers(tiff.first().entries[tags.SUB_IFDS])] * (1 << 20))
    canvas.set_first(canvas.write_directory(tiff.first().with_entries([links])))
    path.write_bytes(canvas.finish())
    with bounded(), pytest.raises(UnreadablePhotoError, match="directories of tags"):
        read_raw(path)


def test_a_size_without_data_in_another_format(shared, tmp_path):
    data = bytearray((shared / "raw" / "nikon_d1_iso200_bggr.nef").read_bytes())
    tiff = Tiff(bytes(data))
    for page in [*tiff.chain(), *tiff.children(tiff.first(), tags.SUB_IFDS)]:
        for row in range(page.offset + 2, page.offset + page.size - 4, 12):
            if struct.unpack_from(tiff.order + "H", data, row)[0] in (tags.IMAGE_WIDTH, tags.IMAGE_LENGTH):
                struct.pack_into(tiff.order + "HII", data, row + 2, LONG, 1, 32000)
    (tmp_path / "a.nef").write_bytes(data[:100_000])
    with bounded(), pytest.raises(UnreadablePhotoError):
        read_raw(tmp_path / "a.nef")


@pytest.mark.parametrize("name", ["preview_30000", "previews_62"])
def test_previews_are_made_anew_at_a_sane_size(shared, tmp_path, name):
    source = shared / "cases" / "hostile" / f"{name}.dng"
    photo = DenoisedPhoto(read_raw(source), NoiseModel.uniform(1e-4, 1e-6), 1.0)
    with bounded():
        write_photo(tmp_path / "out.dng", photo)
    tiff = Tiff((tmp_path / "out.dng").read_bytes())
    sides = [tiff.integers(page.entries.get(tags.IMAGE_WIDTH)) for page in tiff.chain()]
    assert max(side for (side,) in sides) <= 1024
    assert (tmp_path / "out.dng").stat().st_size < 1 << 20


DIGESTED = ("pixel7_dark_iso744_ljpeg.dng", "canon_eos_6d_lossy_linear_iso1000.dng")
"""By the samples, and by the encoded tiles."""


def changed_inside_tiles(path: Path, target: Path, seed: int) -> Path:
    """With 20 random bytes of one tile."""
    rng = random.Random(seed)
    facts = read_metadata(path)
    offset, size = rng.choice(list(zip(*(values for _, values in places(path)), strict=True)))
    data = bytearray(facts.tiff.data)
    for place in rng.sample(range(offset + size // 4, offset + size), 20):
        data[place] ^= rng.randrange(1, 256)
    target.write_bytes(data)
    return target


def is_seen(path: Path) -> bool:
    """Whether a photo is refused or doubted."""
    try:
        return read_raw(path).frame.doubt is not None
    except UnreadablePhotoError:
        return True


@pytest.mark.parametrize("name", DIGESTED)
def test_bytes_that_changed_inside_a_tile_are_seen(shared, tmp_path, name):
    path = shared / "raw" / name
    assert not is_seen(path)
    assert all(is_seen(changed_inside_tiles(path, tmp_path / "a.dng", seed)) for seed in range(8))


def test_a_doubt_is_a_warning(rawclean, shared, tmp_path):
    source = shared / "raw" / "pixel7_dark_iso744_ljpeg.dng"
    digest = read_metadata(source).tiff.first().entries[tags.NEW_RAW_IMAGE_DIGEST]
    path = tmp_path / "a.dng"
    path.write_bytes(source.read_bytes().replace(digest.data, bytes(15) + b"1"))
    for command in (("info", path), ("denoise", path, "-o", tmp_path / "out.dng", "--quiet")):
        result = rawclean(*command)
        assert result.status == 0
        assert "do not fit its digest" in result.err
    assert read_raw(tmp_path / "out.dng").frame.doubt is None

"""DNGs that rawclean writes, read back by LibRaw, by our own walker and by exiftool."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from dng_factory import make_frame, write_dng

from rawclean.core.bayer import BayerPattern
from rawclean.core.noise import NoiseModel
from rawclean.io.dng.build import new_dng
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.dng.graft import graft_dng
from rawclean.io.raw import read_raw
from rawclean.io.raw_photo import RawPhoto
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import Metadata
from rawclean.io.tiff.structure import RATIONAL, Directory, Tiff, empty_tiff
from rawclean.io.writers import write_photo

BAYER_FILES = (
    "gopro_hero7_scene_iso252.dng",
    "canon_550d_chart_14bit.dng",
    "pixel7_dark_iso744_ljpeg.dng",
    "blackmagic_gbrg_ljpeg_lintable.dng",
    "nikon_d1_iso200_bggr.nef",
    "canon_g2_chart_iso50.crw",
    "canon_d30_tree_iso100.crw",
    "kodak_dc120_chart.kdc",
)
RESIDUAL = NoiseModel.per_plane([1e-5, 2e-5, 4e-5, 5e-5], [1e-7, 2e-7, 4e-7, 5e-7])
CHANGED_BY_DENOISING = {
    *("BlackLevel", "BlackLevelRepeatDim", "WhiteLevel"),
    *("Software", "RawDataUniqueID", "NewRawImageDigest", "RawImageDigest", "NoiseProfile", "NoiseReductionApplied"),
    *("StripOffsets", "StripByteCounts", "RowsPerStrip", "TileWidth", "TileLength", "TileOffsets", "TileByteCounts"),
    *("Compression", "BitsPerSample", "LinearizationTable", "PreviewImage", "PreviewImageLength", "PreviewImageStart"),
    *(
        "ThumbnailTIFF",
        "Neural_restore",
        "LuminanceSmoothing",
        "ColorNoiseReduction",
        "SubIFD",
        "YCbCrSubSampling",
        "PlanarConfiguration",
        "SamplesPerPixel",
        "OtherImage",
    ),
}


def dimmed(frame):
    """The photo with every visible sample below white made darker: a stand-in for a denoised one."""
    samples = frame.samples
    return frame.with_samples(np.where(samples < frame.levels.white, (samples * 0.9).round(), samples))


@pytest.mark.parametrize("name", BAYER_FILES)
def test_the_mosaic_comes_back_with_geometry_levels_and_colours(shared, tmp_path, name):
    raw = read_raw(shared / "raw" / name)
    source = raw.frame
    write_photo(tmp_path / "out.dng", DenoisedPhoto(raw.with_frame(dimmed(source)), RESIDUAL, 1.0))
    written = read_raw(tmp_path / "out.dng").frame
    factor = round(written.levels.white / source.levels.white)
    assert np.array_equal(written.raster, (dimmed(source).raster * factor).round())
    assert (written.layout, written.active, written.orientation) == (source.layout, source.active, source.orientation)
    assert np.allclose(written.levels.black, source.levels.black * factor, atol=1e-3)
    assert written.levels.white == source.levels.white * factor > 32767
    assert written.exposure.iso == source.exposure.iso
    assert written.colour.wb_gains == pytest.approx(source.colour.wb_gains, rel=1e-4)
    assert str(written.camera).removeprefix("Unknown Unknown") in (str(source.camera), "")
    assert written.noise_profile.shot.tolist() == pytest.approx([1e-5, 3e-5, 3e-5, 5e-5])


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("margins", [(0, 0), (3, 5)])
def test_every_pattern_is_grafted(tmp_path, pattern, margins):
    raw = read_raw(write_dng(tmp_path / "in.dng", make_frame((66, 97), pattern, (9, 8, 7, 6), margins=margins)))
    source = raw.frame
    write_photo(tmp_path / "out.dng", DenoisedPhoto(raw.with_frame(dimmed(source)), RESIDUAL, 0.5))
    written = read_raw(tmp_path / "out.dng").frame
    assert np.array_equal(written.raster, dimmed(source).raster * 4)
    assert (written.layout, written.active) == (pattern, source.active)
    clipped = source.samples >= source.levels.white
    assert bool(clipped.any())
    assert np.array_equal(written.samples[clipped], source.samples[clipped] * 4)


def test_the_noise_tags_say_what_was_done(tmp_path):
    raw = read_raw(write_dng(tmp_path / "in.dng", make_frame()))
    data = bytes(graft_dng(DenoisedPhoto(raw.with_frame(dimmed(raw.frame)), RESIDUAL, 0.5)))
    tiff = Tiff(data)
    page = tiff.children(tiff.first(), tags.SUB_IFDS)[0]
    assert tiff.numbers(page.entries[tags.NOISE_REDUCTION_APPLIED]) == (0.5,)
    assert tiff.numbers(page.entries[tags.NOISE_PROFILE]) == pytest.approx((1e-5, 1e-7, 3e-5, 3e-7, 5e-5, 5e-7))
    assert tiff.text(tiff.first().entries[tags.SOFTWARE]).startswith("rawclean ")


def test_the_preview_shows_the_denoised_photo(tmp_path):
    raw = read_raw(write_dng(tmp_path / "in.dng", make_frame((128, 192))))
    bright = raw.frame
    dark = bright.with_samples(np.full_like(bright.samples, float(bright.levels.black[0, 0])))
    means = []
    for name, frame in (("bright.dng", bright), ("dark.dng", dark)):
        write_photo(tmp_path / name, DenoisedPhoto(raw.with_frame(frame), RESIDUAL, 1.0))
        tiff = Tiff((tmp_path / name).read_bytes())
        first = tiff.first()
        (offset,), (size,) = (tiff.integers(first.entries[tag]) for tag in (tags.STRIP_OFFSETS, tags.STRIP_BYTE_COUNTS))
        (tmp_path / "preview.jpg").write_bytes(tiff.data[offset : offset + size])
        from rawclean.io.images import read_photo

        means.append(float(read_photo(tmp_path / "preview.jpg").mean()))
    assert means[0] > 60
    assert means[1] < 5


def test_stale_digests_and_applied_tables_are_gone(shared, tmp_path):
    for name in ("pixel7_dark_iso744_ljpeg.dng", "blackmagic_gbrg_ljpeg_lintable.dng"):
        write_photo(tmp_path / name, DenoisedPhoto(read_raw(shared / "raw" / name), RESIDUAL, 1.0))
        tiff = Tiff((tmp_path / name).read_bytes())
        pages = [tiff.first(), *tiff.children(tiff.first(), tags.SUB_IFDS)]
        present = {tag for page in pages for tag in page.entries}
        assert not present & {tags.NEW_RAW_IMAGE_DIGEST, tags.RAW_IMAGE_DIGEST, tags.LINEARIZATION_TABLE}


@pytest.mark.parametrize("name", [name for name in BAYER_FILES if name.endswith(".dng")])
def test_exiftool_finds_no_other_difference(shared, tmp_path, name):
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    source = shared / "raw" / name
    write_photo(tmp_path / name, DenoisedPhoto(read_raw(source), RESIDUAL, 1.0))
    before, after = (exiftool(path) for path in (source, tmp_path / name))
    changed = {
        key
        for key in before.keys() | after.keys()
        if ":" in key
        and not key.startswith(("System:", "File:", "ExifTool:", "Composite:"))
        and before.get(key) != after.get(key)
    }
    previews_added = {key for key in changed if key not in before and key.startswith("SubIFD:")}
    assert {key.split(":")[1] for key in changed - previews_added} <= CHANGED_BY_DENOISING
    warnings = subprocess.run(
        ["exiftool", "-validate", "-warning", "-a", tmp_path / name], capture_output=True, text=True
    )
    serious = [
        line for line in warnings.stdout.splitlines() if line.startswith("Warning") and "[minor]" not in line.lower()
    ]
    assert serious == []


def exiftool(path) -> dict[str, object]:
    run = subprocess.run(["exiftool", "-j", "-a", "-G1", "-u", path], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)[0]


@pytest.mark.parametrize("name", ["canon_g2_chart_iso50.crw", "nikon_d1_iso200_bggr.nef"])
def test_a_new_dng_is_valid(shared, tmp_path, name):
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    raw = read_raw(shared / "raw" / name)
    source = raw.frame
    write_photo(tmp_path / "out.dng", DenoisedPhoto(raw, RESIDUAL, 1.0))
    tags_of = exiftool(tmp_path / "out.dng")
    assert tags_of["IFD0:Make"] == source.camera.make
    assert tags_of["IFD0:Model"] == source.camera.model
    assert tags_of["ExifIFD:ISO"] == source.exposure.iso
    assert tags_of["IFD0:OriginalRawFileName"] == name
    assert not any("Warning" in key for key in tags_of)


def test_a_maker_note_keeps_its_offset(shared, tmp_path):
    source = shared / "raw" / "nikon_d1_iso200_bggr.nef"
    write_photo(tmp_path / "out.dng", DenoisedPhoto(read_raw(source), RESIDUAL, 1.0))
    notes = []
    for path in (source, tmp_path / "out.dng"):
        tiff = Tiff(path.read_bytes())
        notes.append(tiff.children(tiff.first(), tags.EXIF_IFD)[0].entries[tags.MAKER_NOTE])
    assert notes[0] == notes[1]


def test_png_and_tiff_hold_the_same_16_bit_picture(sample, tmp_path):
    import rawpy
    import tifffile
    from PIL import Image

    photo = DenoisedPhoto(read_raw(sample), RESIDUAL, 1.0)
    for suffix in ("png", "tiff"):
        write_photo(tmp_path / f"out.{suffix}", photo)
    picture = tifffile.imread(tmp_path / "out.tiff")
    with rawpy.imread(str(sample)) as raw:
        expected = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16)
    assert np.array_equal(picture, expected)
    with Image.open(tmp_path / "out.png") as image:  # Pillow reads the upper 8 bits only
        image.verify()
    eight_bits = np.asarray(Image.open(tmp_path / "out.png").convert("RGB"))
    assert np.array_equal(eight_bits, (picture >> 8).astype(np.uint8))


def test_lens_and_captions_reach_a_new_dng():
    tiff = empty_tiff("<")
    canvas = TiffCanvas(tiff)
    caption = tiff.encode_text(270, "Harbour")
    lens = tiff.encode(tags.LENS_SPECIFICATION, RATIONAL, [24, 70, 2.8, 2.8])
    exif = Directory(0).with_entries([lens])
    canvas.set_first(canvas.write_directory(Directory(0).with_entries([caption])))
    metadata = Metadata(tiff=Tiff(bytes(canvas.finish())), exif=exif)
    raw = RawPhoto(Path("a.nef"), make_frame(), metadata)
    written = Tiff(bytes(new_dng(DenoisedPhoto(raw, RESIDUAL, 1.0))))
    first = written.first()
    assert written.text(first.entries[270]) == "Harbour"
    assert written.numbers(first.entries[tags.LENS_INFO]) == pytest.approx((24, 70, 2.8, 2.8))

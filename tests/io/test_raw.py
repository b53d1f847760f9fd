"""Real files of real cameras, and layouts that a factory makes."""

import math

import numpy as np
import pytest
from dng_factory import SHOT, Storage, entry, make_frame, write_dng

from rawclean.core.bayer import BayerPattern
from rawclean.core.layout import independent_planes
from rawclean.errors import InvalidLevelsError, RawcleanError, UnsupportedSensorError
from rawclean.io.raw import read_raw
from rawclean.io.suffixes import RAW_SUFFIXES
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.structure import Tiff
from rawclean.io.white_balance import UNCLIPPED

CAMERAS = {
    "gopro_hero7_scene_iso252.dng": ("GoPro HERO7 Black", "RGGB", (3000, 4000), 16383, 252),
    "canon_550d_chart_14bit.dng": ("Canon EOS Kiss X4", "RGGB", (1156, 1734), 15000, None),
    "pixel7_dark_iso744_ljpeg.dng": ("Google Pixel 7", "RGGB", (382, 510), 16368, 744),
    "blackmagic_gbrg_ljpeg_lintable.dng": ("unknown camera", "GBRG", (1112, 1952), 51080, None),
    "nikon_d1_iso200_bggr.nef": ("NIKON CORPORATION NIKON D1", "BGGR", (1324, 2012), 4095, 200),
    "canon_g2_chart_iso50.crw": ("Canon PowerShot G2", "RGGB", (1720, 2312), 1023, 50),
    "canon_d30_tree_iso100.crw": ("Canon EOS D30", "RGGB", (1448, 2176), 4095, 100),
    "kodak_dc120_chart.kdc": ("Eastman Kodak Company Kodak DC120 ZOOM Digital Camera", "GRBG", (976, 848), 255, 160),
}
REFUSED = {
    "canon_g1_cygm_iso200.crw": "colour pattern GMYC",
    "README.md": "not a RAW photo",
}


@pytest.mark.parametrize("name", CAMERAS)
def test_real_files_are_read(shared, name):
    camera, pattern, size, white, iso = CAMERAS[name]
    frame = read_raw(shared / "raw" / name).frame
    assert str(frame.camera) == camera
    assert frame.layout.value == pattern
    assert frame.samples.shape == size
    assert frame.levels.white == white
    assert frame.exposure.iso == iso
    linear = frame.levels.to_linear(frame.samples)
    assert -0.05 < float(linear.min()) < 0.02
    assert float(linear.max()) <= 1.0


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_bayer_is_refused_in_one_line(shared, name):
    with pytest.raises(RawcleanError, match=REFUSED[name]) as failure:
        read_raw(shared / "raw" / name)
    assert "\n" not in str(failure.value)


def test_a_phone_has_fractional_blacks_and_a_noise_profile_per_colour(shared):
    frame = read_raw(shared / "raw" / "pixel7_dark_iso744_ljpeg.dng").frame
    assert frame.levels.black.tolist() == [[1024.5546875, 1024.73046875], [1023.78125, 1023.9296875]]
    assert frame.orientation == 8
    assert frame.noise_profile is not None
    red, gr, gb, _ = frame.noise_profile.shot.tolist()
    assert red == pytest.approx(5.791e-5, rel=1e-3)
    assert gr == gb == pytest.approx(4.383e-5, rel=1e-3)


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("margins", [(0, 0), (4, 6), (3, 5)])
def test_every_pattern_and_margin_is_read_back(tmp_path, pattern, margins):
    black = (400, 410, 420, 430)
    frame = make_frame((64, 96), pattern, black, margins=margins)
    read = read_raw(write_dng(tmp_path / "a.dng", frame)).frame
    assert read.layout == pattern
    assert np.array_equal(read.samples, frame.samples)
    assert read.levels.black.ravel().tolist() == list(black)
    assert float(read.noise_profile.shot[0]) == pytest.approx(SHOT)


def test_black_level_deltas_are_applied(tmp_path):
    frame = make_frame((64, 96))
    rows, columns = [float(i % 3) for i in range(64)], [float(i % 5) for i in range(96)]
    deltas = [entry(tags.BLACK_LEVEL_DELTA_V, 10, rows), entry(tags.BLACK_LEVEL_DELTA_H, 10, columns)]
    read = read_raw(write_dng(tmp_path / "a.dng", frame, deltas)).frame
    expected = frame.samples - np.array(rows, np.float32)[:, None] - np.array(columns, np.float32)
    clipped = frame.samples >= 16383
    assert bool(clipped.any())
    assert np.array_equal(read.samples, np.where(clipped, frame.samples, expected))


@pytest.mark.parametrize("values", [[math.inf] * 96, [math.nan] * 96, [16383.0] * 96, [1.0] * 95])
def test_black_level_deltas_that_are_none(tmp_path, values):
    path = write_dng(tmp_path / "a.dng", make_frame((64, 96)), [entry(tags.BLACK_LEVEL_DELTA_H, 12, values)])
    with pytest.raises(InvalidLevelsError, match="black level deltas"):
        read_raw(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (entry(tags.WHITE_LEVEL, 12, [1e12]), "white level of 1e"),
        (entry(tags.WHITE_LEVEL, 12, [math.nan]), "white level of nan"),
        (entry(tags.BLACK_LEVEL_REPEAT_DIM, 8, [-2, -2]), "repeat every -2"),
        (entry(tags.BLACK_LEVEL_REPEAT_DIM, 4, [1 << 20, 1 << 20]), "repeat every 1048576"),
        (entry(tags.CFA_PATTERN, 1, []), "CFAPattern"),
        (entry(tags.CFA_PATTERN, 1, [0, 1, 2]), "CFAPattern"),
        (entry(tags.CFA_PATTERN, 1, [0, 0, 0, 0]), "three colours"),
        (entry(tags.CFA_PATTERN, 1, [255] * 4), "three colours"),
        (entry(tags.BLACK_LEVEL, 4, [512, 512, 16000]), "3 black levels for 4 places"),
        (entry(tags.COMPRESSION, 3, [48124]), "unknown way"),
        (entry(tags.COMPRESSION, 3, [9]), r"GoPro \.GPR.*Adobe DNG Converter"),
    ],
)
def test_tags_that_no_camera_writes(tmp_path, change, message):
    with pytest.raises(RawcleanError, match=message) as failure:
        read_raw(write_dng(tmp_path / "a.dng", make_frame(), [change]))
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("value", [1e38, -1e38, 1e9])
def test_samples_far_beyond_white(tmp_path, value):
    frame = make_frame(black=(0,) * 4, white=1.0)
    frame.samples[5, 5] = value
    with pytest.raises(InvalidLevelsError, match="a sample of"):
        read_raw(write_dng(tmp_path / "a.dng", frame, storage=Storage(32, floating=True)))


def test_a_name_cannot_steer_the_terminal(rawclean, shared):
    result = rawclean("info", shared / "cases" / "bad_tags" / "esc.dng")
    assert result.status == 0
    assert all(character.isprintable() or character == "\n" for character in result.out)


def test_several_raw_images_are_refused(shared):
    with pytest.raises(UnsupportedSensorError, match="holds 4 raw images"):
        read_raw(shared / "cases" / "several_raw_images" / "four_frames.dng")


def test_an_enhanced_image_beside_its_mosaic_is_refused(tmp_path):
    path = write_dng(tmp_path / "a.dng", make_frame())
    tiff = Tiff(path.read_bytes())
    canvas, first = TiffCanvas(tiff), tiff.first()
    (mosaic,) = tiff.children(first, tags.SUB_IFDS)
    enhanced = mosaic.with_entries([tiff.encode(tags.NEW_SUBFILE_TYPE, 4, [16])])
    links = tiff.encode(tags.SUB_IFDS, 4, [mosaic.offset, canvas.write_directory(enhanced)])
    canvas.set_first(canvas.write_directory(first.with_entries([links])))
    path.write_bytes(canvas.finish())
    with pytest.raises(UnsupportedSensorError, match=r"holds 2 raw images.*enhanced copy"):
        read_raw(path)


@pytest.mark.parametrize("suffix", [".ori", ".arq"])
def test_sensor_shift_sets_are_photos(suffix):
    assert suffix in RAW_SUFFIXES


@pytest.mark.parametrize("name", ["kodak_dc120_chart.kdc", "nikon_d1_iso200_bggr.nef", "canon_d30_tree_iso100.crw"])
def test_a_photo_without_white_balance_becomes_grey_on_the_average(shared, name):
    frame = read_raw(shared / "raw" / name).frame
    planes = independent_planes(frame.layout, frame.levels.to_linear(frame.samples))
    red, *greens, blue = planes[:, (planes < UNCLIPPED).all(0)].mean(1, dtype=float).tolist()
    gains = frame.colour.wb_gains
    assert [gains[0] * red, gains[2] * blue] == pytest.approx([sum(greens) / 2] * 2, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([entry(tags.CFA_REPEAT_PATTERN_DIM, 3, [6, 6]), entry(tags.CFA_PATTERN, 1, [0, 1, 2] * 12)], "not X-Trans"),
        ([entry(tags.CFA_REPEAT_PATTERN_DIM, 3, [4, 4]), entry(tags.CFA_PATTERN, 1, [0, 1, 1, 2] * 4)], "Quad-Bayer"),
    ],
)
def test_other_sensors_are_named(tmp_path, changes, message):
    path = write_dng(tmp_path / "a.dng", make_frame(), changes)
    with pytest.raises(UnsupportedSensorError, match=f"{message}.*not supported yet"):
        read_raw(path)

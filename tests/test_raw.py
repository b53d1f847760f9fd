"""Real files of real cameras, and layouts that a factory makes."""

import pytest
import torch
from dng_factory import SHOT, entry, make_frame, write_dng

from rawclean.core.bayer import BayerPattern
from rawclean.errors import RawcleanError, UnsupportedSensorError
from rawclean.io import metadata as tags
from rawclean.io.raw import read_raw

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
    frame = read_raw(shared / "raw" / name)
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
    frame = read_raw(shared / "raw" / "pixel7_dark_iso744_ljpeg.dng")
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
    read = read_raw(write_dng(tmp_path / "a.dng", frame))
    assert read.layout == pattern
    assert torch.equal(read.samples, frame.samples)
    assert read.levels.black.flatten().tolist() == list(black)
    assert float(read.noise_profile.shot[0]) == pytest.approx(SHOT)


def test_black_level_deltas_are_applied(tmp_path):
    frame = make_frame((64, 96))
    rows, columns = [float(i % 3) for i in range(64)], [float(i % 5) for i in range(96)]
    deltas = [entry(tags.BLACK_LEVEL_DELTA_V, 10, rows), entry(tags.BLACK_LEVEL_DELTA_H, 10, columns)]
    read = read_raw(write_dng(tmp_path / "a.dng", frame, deltas))
    assert torch.equal(read.samples, frame.samples - torch.tensor(rows)[:, None] - torch.tensor(columns))


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

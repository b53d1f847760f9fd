"""Previews from the samples in memory, beside what LibRaw develops of the same file."""

import dataclasses
import math

import numpy as np
import pytest
import rawpy
from dng_factory import make_frame, write_dng
from PIL import Image

from rawclean.core.bayer import BayerPattern
from rawclean.core.layout import PlainLayout
from rawclean.core.xtrans import XTransPattern
from rawclean.io.preview import LONGEST_SIDE, Preview
from rawclean.io.raw import read_raw

LAYOUTS = [*BayerPattern, XTransPattern(0, 0), XTransPattern(1, 4), *PlainLayout]


def small(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((16, 12), Image.Resampling.BOX)).astype(float)


def developed(path) -> np.ndarray:
    with rawpy.imread(str(path)) as raw:
        pixels = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, half_size=True, user_flip=0
        )
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def one_colour(layout, size) -> np.ndarray:
    """Samples of a reddish field, in ADU."""
    levels = {"R": 4000.0, "G": 6000.0, "B": 2500.0}
    if isinstance(layout, PlainLayout):
        field = np.array(list(levels.values()), np.float32)[: layout.value, None, None]
        return np.broadcast_to(field, (layout.value, *size)).squeeze()
    period = math.isqrt(len(layout.letters))
    pattern = np.array([levels[letter] for letter in layout.letters], np.float32).reshape(period, period)
    return np.tile(pattern, [-(-side // period) for side in size])[: size[0], : size[1]]


@pytest.mark.parametrize("layout", [*BayerPattern, PlainLayout.MONOCHROME, XTransPattern(0, 0)])
def test_it_looks_as_libraw_develops(tmp_path, layout):
    path = write_dng(tmp_path / "a.dng", make_frame((144, 192), layout))
    difference = small(Preview(read_raw(path).frame).pixels(1)) - small(developed(path))
    assert np.abs(difference).mean() < 0.6
    assert np.abs(difference).max() < 2.5


@pytest.mark.parametrize("layout", [*LAYOUTS, XTransPattern(2, 3)])
@pytest.mark.parametrize("size", [(144, 192), (147, 193)])
def test_a_field_of_one_colour_is_the_same_in_every_layout(tmp_path, layout, size):
    """Held against a mosaic: of a demosaiced image LibRaw leaves the black in white."""
    frame = make_frame(size, layout)
    pixels = Preview(frame.with_samples(one_colour(layout, size))).pixels(1)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) == 1
    plain = BayerPattern.RGGB if layout is not PlainLayout.MONOCHROME else layout
    path = write_dng(tmp_path / "a.dng", make_frame((96, 96), plain).with_samples(one_colour(plain, (96, 96))))
    assert np.abs(pixels[0, 0] - developed(path)[20:-20, 20:-20].mean((0, 1))).max() <= 1


@pytest.mark.parametrize(
    "name", ["gopro_hero7_scene_iso252.dng", "canon_g2_chart_iso50.crw", "canon_d30_tree_iso100.crw"]
)
def test_real_photos_have_libraws_colours(shared, name):
    path = shared / "raw" / name
    difference = small(Preview(read_raw(path).frame).pixels(1)) - small(developed(path))
    assert np.abs(difference).max() < 2.5


def test_a_new_preview_is_no_larger_than_it_need_be():
    frame = make_frame((1600, 2400))
    assert Preview(frame).size == (683, LONGEST_SIDE)
    assert Preview(make_frame((64, 96))).size == (32, 48)
    wide = dataclasses.replace(frame, pixel_aspect=2.0)
    assert Preview(wide).size == (341, LONGEST_SIDE)


@pytest.mark.parametrize("size", [(12, 16), (64, 96), (300, 400)])
def test_a_jpeg_has_the_size_that_was_asked_for(tmp_path, size):
    (tmp_path / "a.jpg").write_bytes(Preview(make_frame((128, 192))).jpeg(size))
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.size == (size[1], size[0])


def test_white_stays_white_and_unknown_colours_stay_as_they_are():
    frame = make_frame((64, 64))
    white = frame.with_samples(np.full((64, 64), frame.levels.white, np.float32))
    assert (Preview(white).pixels(1) == 255).all()
    unknown = dataclasses.replace(
        white, colour=dataclasses.replace(frame.colour, xyz_to_camera=None, wb_gains=(1.0, 1.0, 1.0))
    )
    assert (Preview(unknown).pixels(1) == 255).all()

import dataclasses

import numpy as np
import pytest
from dng_factory import entry, write_dng

from rawclean.core.bayer import BayerPattern
from rawclean.core.colour import Colour
from rawclean.core.frame import ActiveArea, Camera, Exposure, RawFrame
from rawclean.core.levels import Levels
from rawclean.core.masked_border import corrected_black, masked_black
from rawclean.core.noise import NoiseModel
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.structure import LONG
from rawclean.synthesis.unprocess import XYZ_TO_CAMERA

WHITE, SIGMA = 15000.0, 16.0
SITES = np.array([[2040, 2042], [2046, 2044]], dtype=np.float32)


def normal(*size: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(size, dtype=np.float32)


def frame(black: float, *, left: int = 40, border: np.ndarray | float | None = None, odd: int = 0) -> RawFrame:
    """A photo of 300x400 whose masked left border has SITES as black, and the file says `black`."""
    raster = np.tile(np.roll(SITES, (odd, (left + odd) % 2), (0, 1)), (153, 221))[: 300 + odd, : left + 400]
    raster = raster + SIGMA * normal(*raster.shape)
    raster[odd:, left:] += 2000
    raster = raster.round()
    if border is not None:
        raster[:, :left] = border
    levels = Levels(np.full((2, 2), black, np.float32), WHITE)
    area = ActiveArea(odd, left, 300, 400)
    nothing = Exposure(None, None, None, None, None)
    colour = Colour((2.0, 1.0, 1.5), None)
    return RawFrame(
        raster,
        area,
        BayerPattern.RGGB,
        levels,
        colour,
        Camera("", ""),
        nothing,
        1,
        None,
    )


def noise(sigma: float = SIGMA) -> NoiseModel:
    return NoiseModel.uniform(1e-4, (sigma / 13000) ** 2)


@pytest.mark.parametrize("left", [40, 41])
def test_a_wrong_black_is_replaced_site_by_site_and_said(left):
    photo = frame(2056.0, left=left)
    levels, message = corrected_black(photo, noise())
    expected = masked_black(photo).black
    np.testing.assert_array_equal(levels.black, expected)
    assert float(levels.black.mean()) == pytest.approx(2043, abs=0.5)
    assert (
        message
        == f"black level by the masked border is {levels.black.mean():.1f}, the file says 2056.0; using the border"
    )


def test_a_right_black_stays():
    photo = frame(2043.5)
    assert corrected_black(photo, noise()) == (photo.levels, None)


@pytest.mark.parametrize(
    "border",
    [
        0.0,
        2040.0,
        np.linspace(2000, 9000, 40),
        2043 + 300 * normal(300, 40),
        4043 + 16 * normal(300, 40),
    ],
    ids=["zeros", "constant", "ramp", "too noisy", "bright"],
)
def test_a_border_that_holds_no_black_is_not_believed(border):
    photo = frame(2056.0, border=border)
    assert corrected_black(photo, noise()) == (photo.levels, None)


@pytest.mark.parametrize("left", [0, 2, 14])
def test_too_narrow_a_border_says_nothing(left):
    assert masked_black(frame(2056.0, left=left)) is None


def test_columns_that_hold_something_else_do_not_count():
    photo = frame(2056.0)
    photo.raster[:, 10:14] = 9000
    assert float(masked_black(photo).black.mean()) == pytest.approx(2043, abs=0.5)


def test_of_the_real_files_only_the_canon_550d_has_another_black_than_it_says(shared):
    """Its black columns have a mean of 2048.8, the tag says 2056; sub-code differences of the others are rounding."""
    said = {}
    for path in sorted((shared / "raw").glob("*.*")):
        if path.suffix == ".md" or "cygm" in path.name:
            continue
        photo = read_raw(path).frame
        border = masked_black(photo)
        sigma = border.read_sigma / photo.levels.scale if border else 1e-3
        _, message = corrected_black(photo, NoiseModel.uniform(1e-4, sigma**2))
        if message:
            said[path.stem] = message
    assert said == {
        "canon_550d_chart_14bit": "black level by the masked border is 2048.8, the file says 2056.0; using the border"
    }


def masked_dng(path, borders, said, rest=SITES + 60):
    """A DNG with `borders` (top, left, right) of black SITES, but of `rest` where MaskedAreas, `said`, is not."""
    top, left, right = borders
    height, width = top + 300, left + 400 + right
    rows, columns = np.arange(height)[:, None], np.arange(width)
    sites = [black[(rows - top) % 2, (columns - left) % 2] for black in (SITES, rest)]
    masked = np.zeros((height, width), dtype=bool)
    for area_top, area_left, bottom, area_right in said:
        masked[area_top:bottom, area_left:area_right] = True
    raster = np.where(masked | (not said), *sites)
    visible = (rows >= top) & (columns >= left) & (columns < left + 400)
    raster = np.where(visible, SITES[(rows - top) % 2, (columns - left) % 2] + 2000, raster)
    noisy = raster + SIGMA * normal(height, width)
    plain = frame(2056.0)
    photo = dataclasses.replace(
        plain,
        raster=noisy.round(),
        active=ActiveArea(top, left, 300, 400),
        camera=Camera("Maker", "Maker One"),
        colour=Colour((2.0, 1.0, 1.5), XYZ_TO_CAMERA[0]),
    )
    changes = [entry(tags.MASKED_AREAS, LONG, sum(said, ()))] if said else []
    return read_raw(write_dng(path, photo, changes)).frame


@pytest.mark.parametrize(
    ("borders", "said"),
    [
        ((0, 40, 0), ()),
        ((0, 0, 40), ()),
        ((0, 41, 21), ()),
        ((20, 24, 41), ()),
        ((0, 40, 0), ((0, 0, 300, 40),)),
        ((0, 0, 41), ((0, 400, 300, 441),)),
        ((0, 40, 40), ((0, 0, 300, 40), (0, 440, 300, 480))),
        ((20, 40, 0), ((0, 0, 20, 440), (0, 0, 320, 40))),
        ((0, 80, 0), ((0, 0, 300, 32),)),
        ((0, 40, 60), ((0, 0, 300, 40),)),
    ],
)
def test_the_masked_border_of_each_side_is_read_by_colour(tmp_path, borders, said):
    photo = masked_dng(tmp_path / "a.dng", borders, said)
    assert len(photo.masked) == len(said)
    black = masked_black(photo).black
    np.testing.assert_allclose(black, SITES, rtol=0, atol=1.2)  # five standard errors of the fewest columns
    levels, message = corrected_black(photo, noise())
    assert float(levels.black.mean()) == pytest.approx(2043, abs=0.5)
    assert "using the border" in message


@pytest.mark.parametrize(
    ("borders", "said"),
    [
        ((40, 0, 0), ((0, 0, 40, 400),)),
        ((40, 40, 0), ((0, 0, 40, 440),)),
        ((0, 40, 40), ((0, 0, 300, 10),)),
        ((0, 40, 0), ((0, 0, 120, 40),)),
        ((0, 0, 0), ((0, 0, 300, 400),)),
    ],
    ids=["rows only", "rows of two borders", "too few columns", "too few rows", "the photo itself"],
)
def test_other_masked_areas_say_nothing(tmp_path, borders, said):
    photo = masked_dng(tmp_path / "a.dng", borders, said)
    assert corrected_black(photo, noise()) == (photo.levels, None)

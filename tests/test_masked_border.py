from pathlib import Path

import pytest
import torch

from rawclean.core.bayer import BayerPattern
from rawclean.core.frame import ActiveArea, Camera, Colour, Exposure, RawFrame
from rawclean.core.levels import Levels
from rawclean.core.masked_border import corrected_black, masked_black
from rawclean.core.noise import NoiseModel
from rawclean.io.raw import read_raw

WHITE, SIGMA = 15000.0, 16.0
SITES = torch.tensor([[2040.0, 2042.0], [2046.0, 2044.0]])


def frame(black: float | torch.Tensor, *, left: int = 40, border: torch.Tensor | None = None, odd: int = 0) -> RawFrame:
    """A photo of 300x400 whose masked left border has SITES as black, and the file says `black`."""
    rng = torch.Generator().manual_seed(0)
    raster = SITES.roll((odd, (left + odd) % 2), (0, 1)).repeat(153, 221)[: 300 + odd, : left + 400]
    raster = raster + SIGMA * torch.randn(raster.shape, generator=rng)
    raster[odd:, left:] += 2000
    raster = raster.round()
    if border is not None:
        raster[:, :left] = border
    levels = Levels(torch.as_tensor(black).expand(2, 2), WHITE)
    area = ActiveArea(odd, left, 300, 400)
    nothing = Exposure(None, None, None, None, None)
    colour = Colour((2.0, 1.0, 1.5), None)
    return RawFrame(
        raster, area, BayerPattern.RGGB, levels, colour, Camera("", ""), nothing, 1, None, source=Path("photo.dng")
    )


def noise(sigma: float = SIGMA) -> NoiseModel:
    return NoiseModel.uniform(1e-4, (sigma / 13000) ** 2)


@pytest.mark.parametrize("left", [40, 41])
def test_a_wrong_black_is_replaced_site_by_site_and_said(left):
    photo = frame(2056.0, left=left)
    levels, message = corrected_black(photo, noise())
    expected = masked_black(photo).black
    assert torch.equal(levels.black, expected)
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
        torch.tensor(0.0),
        torch.tensor(2040.0),
        torch.linspace(2000, 9000, 40).expand(300, 40),
        2043 + 300 * torch.randn(300, 40, generator=torch.Generator().manual_seed(0)),
        4043 + 16 * torch.randn(300, 40, generator=torch.Generator().manual_seed(0)),
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
        photo = read_raw(path)
        border = masked_black(photo)
        sigma = border.read_sigma / photo.levels.scale if border else 1e-3
        _, message = corrected_black(photo, NoiseModel.uniform(1e-4, sigma**2))
        if message:
            said[path.stem] = message
    assert said == {
        "canon_550d_chart_14bit": "black level by the masked border is 2048.8, the file says 2056.0; using the border"
    }

import pytest
import torch

from rawclean.core.levels import Levels
from rawclean.errors import InvalidLevelsError


def test_black_becomes_zero_and_white_one():
    levels = Levels(torch.full((2, 2), 100.0), 1100.0)
    linear = levels.to_linear(torch.tensor([[100.0, 1100.0], [50.0, 1200.0]]))
    assert linear.flatten().tolist() == pytest.approx([0.0, 1.0, -0.05, 1.1])


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_adu_of_linear_is_the_mosaic_again(size):
    levels = Levels(torch.tensor([[1024.5, 1024.75], [1023.75, 1023.9]]), 16368.0)
    mosaic = torch.rand(size, generator=torch.Generator().manual_seed(0)) * 16000
    linear = levels.to_linear(mosaic)
    assert torch.allclose(levels.to_adu(linear), mosaic, atol=2e-3)  # float32 of 14 bit
    places = torch.tensor([[0, 0], [0, 3], [3, 4], [1, 1]])
    rows, columns = places.unbind(1)
    assert torch.equal(levels.to_adu_at(linear[rows, columns], places), levels.to_adu(linear)[rows, columns])


def test_each_site_has_its_own_black():
    black = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
    mosaic = black.repeat(2, 3)
    assert torch.equal(Levels(black, 1000.0).to_linear(mosaic), torch.zeros(4, 6))


@pytest.mark.parametrize(("black", "white"), [(100.0, 100.0), (200.0, 100.0), (-1.0, 100.0), (0.0, 0.0)])
def test_levels_that_contradict_each_other_are_refused(black, white):
    with pytest.raises(InvalidLevelsError, match="black level"):
        Levels(torch.full((2, 2), black), white)

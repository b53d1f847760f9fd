import numpy as np
import pytest

from rawclean.core.levels import Levels
from rawclean.errors import InvalidLevelsError


def test_black_becomes_zero_and_white_one():
    levels = Levels(np.full((2, 2), 100.0, np.float32), 1100.0)
    linear = levels.to_linear(np.array([[100.0, 1100.0], [50.0, 1200.0]], np.float32))
    assert linear.ravel().tolist() == pytest.approx([0.0, 1.0, -0.05, 1.1])


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_adu_of_linear_is_the_mosaic_again(size):
    levels = Levels(np.array([[1024.5, 1024.75], [1023.75, 1023.9]], np.float32), 16368.0)
    mosaic = np.random.default_rng(0).random(size, np.float32) * 16000
    linear = levels.to_linear(mosaic)
    assert np.allclose(levels.to_adu(linear), mosaic, atol=2e-3)  # float32 of 14 bit
    places = np.array([[0, 0], [0, 3], [3, 4], [1, 1]])
    rows, columns = places.T
    assert np.array_equal(levels.to_adu_at(linear[rows, columns], places), levels.to_adu(linear)[rows, columns])


def test_each_site_has_its_own_black():
    black = np.array([[10.0, 20.0], [30.0, 40.0]], np.float32)
    mosaic = np.tile(black, (2, 3))
    assert np.array_equal(Levels(black, 1000.0).to_linear(mosaic), np.zeros((4, 6), np.float32))


@pytest.mark.parametrize(("black", "white"), [(100.0, 100.0), (200.0, 100.0), (-1.0, 100.0), (0.0, 0.0)])
def test_levels_that_contradict_each_other_are_refused(black, white):
    with pytest.raises(InvalidLevelsError, match="black level"):
        Levels(np.full((2, 2), black, np.float32), white)

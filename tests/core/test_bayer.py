import numpy as np
import pytest

from rawclean.core.bayer import BayerPattern, pack_rggb, unpack_rggb

SIZES = [(6, 8), (7, 9), (6, 9), (7, 8), (2, 2), (3, 5)]


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("size", SIZES)
def test_unpack_restores_the_mosaic(pattern, size):
    mosaic = np.random.default_rng(0).random(size, np.float32)
    assert np.array_equal(unpack_rggb(pack_rggb(mosaic, pattern), pattern, size), mosaic)


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("size", SIZES)
def test_every_plane_holds_one_colour(pattern, size):
    colours = np.array(["RGB".index(letter) for letter in pattern.value], np.float32).reshape(2, 2)
    mosaic = np.tile(colours, (size[0] // 2 + 1, size[1] // 2 + 1))[: size[0], : size[1]]
    for plane, colour in zip(pack_rggb(mosaic, pattern), (0, 1, 1, 2), strict=True):
        assert np.array_equal(plane, np.full_like(plane, colour))


@pytest.mark.parametrize("pattern", BayerPattern)
def test_shifted_pattern_is_that_of_the_cropped_mosaic(pattern):
    letters = [pattern.value[:2] * 3, pattern.value[2:] * 3] * 3
    for row in range(3):
        for column in range(3):
            seen = "".join(line[column : column + 2] for line in letters[row : row + 2])
            assert pattern.shifted(row, column).value == seen

import numpy as np
import pytest
import torch
from dng_matrix import FUJI_X_T1

from rawclean.core.xtrans import CANONICAL, PLANE_COLOURS, XTransPattern, pack_xtrans
from rawclean.errors import UnsupportedSensorError
from rawclean.synthesis.sampling import sample_xtrans

PATTERNS = sorted({XTransPattern(i, j).letters for i in range(6) for j in range(6)})


def mosaic_of(letters: str, size) -> np.ndarray:
    sites = np.array(["RGB".index(letter) for letter in letters], np.float32).reshape(6, 6)
    return np.tile(sites, (size[0] // 6 + 1, size[1] // 6 + 1))[: size[0], : size[1]]


def test_there_are_eighteen_phases_and_a_camera_has_one_of_them():
    assert len(PATTERNS) == 18
    assert FUJI_X_T1 in PATTERNS


@pytest.mark.parametrize("letters", PATTERNS)
@pytest.mark.parametrize("size", [(12, 18), (13, 20), (17, 12)])
def test_every_plane_holds_one_colour_and_unpack_undoes_pack(letters, size):
    pattern = XTransPattern.of_letters(letters)
    planes = pattern.pack(mosaic_of(letters, size))
    assert planes.shape[1] % 2 == planes.shape[2] % 2 == 0
    for plane, colour in zip(planes, PLANE_COLOURS, strict=True):
        assert np.array_equal(plane, np.full_like(plane, colour))
    samples = np.random.default_rng(0).random(size, np.float32)
    assert np.array_equal(pattern.unpack(pattern.pack(samples), size), samples)


@pytest.mark.parametrize("letters", PATTERNS)
def test_a_shifted_pattern_is_that_of_the_cropped_mosaic(letters):
    pattern, mosaic = XTransPattern.of_letters(letters), mosaic_of(letters, (18, 18))
    for rows, columns in ((1, 0), (0, 1), (2, 3), (5, 4), (7, 8)):
        seen = "".join("RGB"[int(site)] for site in mosaic[rows : rows + 6, columns : columns + 6].flatten())
        assert pattern.shifted(rows, columns).letters == seen


def test_sampling_a_photo_is_packing_its_mosaic():
    rgb = np.random.default_rng(0).random((2, 3, 12, 18), np.float32)
    colours = mosaic_of("".join(CANONICAL), (12, 18)).astype(int)
    mosaic = np.take_along_axis(rgb, np.broadcast_to(colours, (2, 1, 12, 18)), 1)[:, 0]
    assert np.array_equal(sample_xtrans(torch.from_numpy(rgb)).numpy(), pack_xtrans(mosaic))


def test_another_pattern_is_refused():
    with pytest.raises(UnsupportedSensorError, match="not X-Trans"):
        XTransPattern.of_letters("RGB" * 12)

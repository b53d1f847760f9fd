"""Small lights are where they should be, of the size they should have."""

import torch

from rawclean.core.bayer import BayerPattern, unpack_rggb
from rawclean.core.cfa_family import CfaFamily
from rawclean.synthesis.lights import BRIGHTNESS, small_lights


def test_half_of_the_crops_are_lit_and_never_darker():
    lights = small_lights(200, (96, 96), CfaFamily.BAYER, torch.Generator().manual_seed(0))
    assert lights.shape == (200, 4, 48, 48)
    assert float(lights.min()) == 0
    assert 70 <= int((lights.amax((1, 2, 3)) > 0).sum()) <= 130


def test_a_point_of_light_shows_at_the_sites_beside_it():
    lights = small_lights(400, (96, 96), CfaFamily.BAYER, torch.Generator().manual_seed(1))
    seen = 0
    for planes in lights.numpy():
        mosaic = unpack_rggb(planes, BayerPattern.RGGB, (96, 96))
        row, column = divmod(int(mosaic.argmax()), 96)
        top = float(mosaic[row, column])
        if not (BRIGHTNESS[0] < top and 2 < row < 93 and 2 < column < 93):
            continue
        seen += 1
        beside = mosaic[row - 1 : row + 2, column - 1 : column + 2].flatten()
        assert (
            float(beside.sum() - top) > 0.25 * top
        )  # the darkest colour sees 0.3, the narrowest point 0.19 on each side
    assert seen > 100


def test_lights_of_xtrans_have_its_planes():
    assert small_lights(2, (96, 96), CfaFamily.XTRANS, torch.Generator().manual_seed(0)).shape == (2, 9, 32, 32)

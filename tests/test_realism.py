"""The statistics of every effect that real sensors add."""

import pytest
import torch

from rawclean.core.noise import NoiseModel
from rawclean.training.realism import RealismConfig, add_realism, hot_pixels, quantise, row_noise


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


NOISE = NoiseModel(torch.full((64, 4), 1e-3), torch.full((64, 4), 1e-4))
GREY = torch.full((64, 4, 32, 32), 0.3)


def test_nothing_is_added_by_default():
    assert torch.equal(add_realism(GREY, NOISE, RealismConfig(), rng()), GREY)


def test_row_noise_is_one_offset_per_row_of_the_mosaic():
    rows = row_noise(GREY.shape, rng())
    assert torch.equal(rows[:, 0], rows[:, 1])
    assert torch.equal(rows[:, 2], rows[:, 3])
    assert not torch.equal(rows[:, 0], rows[:, 2])
    assert float(rows.std()) == pytest.approx(1.0, abs=0.05)


def test_row_noise_is_a_share_of_the_read_noise():
    added = add_realism(GREY, NOISE, RealismConfig(row_noise=0.5), rng()) - GREY
    assert float(added.std(dim=3).max()) < 1e-6  # constant along a row
    # strength uniform in [0, 1]: mean square 1/3
    assert float(added.square().mean().sqrt()) == pytest.approx(0.5 * 0.01 * (1 / 3) ** 0.5, rel=0.2)


def test_the_black_level_is_off_by_one_offset_per_plane():
    added = add_realism(GREY, NOISE, RealismConfig(black_offset=0.5), rng()) - GREY
    assert float(added.flatten(2).std(dim=2).max()) < 1e-6
    assert float(added[:, :, 0, 0].std()) == pytest.approx(0.5 * 0.01, rel=0.15)


def test_hot_pixels_are_rare_and_only_brighter():
    heated = hot_pixels(GREY, torch.full((64, 1, 1, 1), 0.01), rng())
    assert float((heated > GREY).float().mean()) == pytest.approx(0.01, rel=0.1)
    assert bool((heated >= GREY).all())
    assert float(heated.max()) <= 1


@pytest.mark.parametrize("bits", [12, 14])
def test_quantisation_adds_the_variance_of_a_step(bits):
    ramp = torch.linspace(0, 0.9, 64 * 4 * 32 * 32).reshape(GREY.shape)
    error = quantise(ramp, (bits,), rng()) - ramp
    step = 1 / ((2**bits - 1) * 15 / 16)
    assert float(error.abs().max()) <= step / 2 * 1.01
    assert float(error.var()) == pytest.approx(step**2 / 12, rel=0.03)


def test_codes_end_below_black():
    assert float(quantise(torch.full((1, 4, 4, 4), -0.5), (12,), rng()).min()) == pytest.approx(-1 / 15)


def test_white_is_clipped_where_asked_for():
    bright = torch.full((2, 4, 8, 8), 1.2)
    noise = NoiseModel(NOISE.shot[:2], NOISE.read[:2])
    assert float(add_realism(bright, noise, RealismConfig(clip_white=True), rng()).max()) == 1.0
    assert float(add_realism(bright, noise, RealismConfig(), rng()).max()) == pytest.approx(1.2)

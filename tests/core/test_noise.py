import math

import pytest
import torch

from rawclean.core.noise import NoiseModel, read_on_line
from rawclean.errors import InvalidNoiseError
from rawclean.networks.sigma_map import sigma_around
from rawclean.synthesis.noise_draw import add_noise


def test_noise_has_the_variance_of_the_formula():
    noise = NoiseModel.per_plane([1e-3, 2e-3, 3e-3, 4e-3], [1e-5, 2e-5, 3e-5, 4e-5])
    clean = torch.full((4, 400, 400), 0.3)
    error = add_noise(clean, noise, torch.Generator().manual_seed(0)) - clean
    expected = torch.tensor(
        [0.3 * shot + read for shot, read in [(1e-3, 1e-5), (2e-3, 2e-5), (3e-3, 3e-5), (4e-3, 4e-5)]]
    )
    # the variance of 160,000 normal draws has a relative standard error of 0.35 %
    assert torch.allclose(error.var(dim=(1, 2)), expected, rtol=0.015)
    assert float(error.mean().abs()) < 3e-4


def test_shadows_keep_their_sign():
    noisy = add_noise(torch.zeros(4, 64, 64), NoiseModel.uniform(1e-3, 1e-4), torch.Generator().manual_seed(0))
    assert 0.45 < float((noisy < 0).float().mean()) < 0.55


def test_sigma_map_of_a_flat_photo_is_its_sigma():
    noise = NoiseModel.uniform(1e-3, 1e-5)
    sigma = sigma_around(torch.full((1, 4, 8, 8), 0.5), noise.mapped(torch.from_numpy))
    assert torch.allclose(sigma, torch.full_like(sigma, math.sqrt(0.5e-3 + 1e-5)))


def test_sigma_map_is_positive_without_noise():
    silent = NoiseModel.uniform(0.0, 0.0).mapped(torch.from_numpy)
    assert float(sigma_around(torch.zeros(1, 4, 8, 8), silent).min()) > 0


@pytest.mark.parametrize("bad", [-1e-6, math.nan, math.inf, 2.0])
def test_absurd_values_are_refused(bad):
    with pytest.raises(InvalidNoiseError, match="--noise"):
        NoiseModel.uniform(bad, 1e-6)
    with pytest.raises(InvalidNoiseError, match="--noise"):
        NoiseModel.uniform(1e-3, bad)


def test_read_noise_on_the_line_is_that_of_the_benchmark():
    assert read_on_line(1e-3) == pytest.approx(math.exp(2.18 * math.log(1e-3) + 1.20))

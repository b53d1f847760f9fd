"""Layouts without a colour filter array, in the planes of a mosaic."""

import pytest
import torch

from rawclean.core.layout import PlainLayout, independent_planes, plane_noise
from rawclean.core.noise import NoiseModel
from rawclean.noise_source import blind_noise

RNG = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("layout", PlainLayout)
@pytest.mark.parametrize("size", [(6, 8), (7, 9), (16, 17)])
def test_unpack_undoes_pack(layout, size):
    samples = torch.rand((3, *size) if layout is PlainLayout.LINEAR_RGB else size, generator=RNG)
    planes = layout.pack(samples)
    assert planes.shape[0] == 4
    assert torch.equal(layout.unpack(planes, size), samples)


def test_only_the_repeated_green_is_told_to_be_noisier():
    noise = NoiseModel.per_plane([1e-3, 2e-3, 2e-3, 3e-3], [1e-6] * 4)
    assert plane_noise(PlainLayout.MONOCHROME, noise) is noise
    told = plane_noise(PlainLayout.LINEAR_RGB, noise)
    assert torch.allclose(told.shot, torch.tensor([1e-3, 3e-3, 3e-3, 3e-3]))
    assert torch.allclose(told.read, torch.tensor([1e-6, 1.5e-6, 1.5e-6, 1e-6]))


@pytest.mark.parametrize("layout", PlainLayout)
def test_noise_is_estimated_in_planes_that_share_no_sample(layout):
    clean = torch.linspace(0, 0.8, 256).expand(3, 256, 256)
    noisy = clean + torch.randn(clean.shape, generator=RNG) * (1e-3 * clean + 1e-6).sqrt()
    samples = noisy if layout is PlainLayout.LINEAR_RGB else noisy[0]
    found = blind_noise(independent_planes(layout, samples), -1.0)
    assert found.sigma_at() == pytest.approx(NoiseModel.uniform(1e-3, 1e-6).sigma_at(), rel=0.1)

"""Layouts without a colour filter array, in the planes of a mosaic."""

import numpy as np
import pytest

from rawclean.core.layout import PlainLayout, independent_planes, plane_noise
from rawclean.core.noise import NoiseModel
from rawclean.noise_source import blind_noise


@pytest.mark.parametrize("layout", PlainLayout)
@pytest.mark.parametrize("size", [(6, 8), (7, 9), (16, 17)])
def test_unpack_undoes_pack(layout, size):
    samples = np.random.default_rng(0).random((3, *size) if layout is PlainLayout.LINEAR_RGB else size, np.float32)
    planes = layout.pack(samples)
    assert planes.shape[0] == 4
    assert np.array_equal(layout.unpack(planes, size), samples)


def test_only_the_repeated_green_is_told_to_be_noisier():
    noise = NoiseModel.per_plane([1e-3, 2e-3, 2e-3, 3e-3], [1e-6] * 4)
    assert plane_noise(PlainLayout.MONOCHROME, noise) is noise
    told = plane_noise(PlainLayout.LINEAR_RGB, noise)
    assert np.allclose(told.shot, np.array([1e-3, 3e-3, 3e-3, 3e-3], np.float32))
    assert np.allclose(told.read, np.array([1e-6, 1.5e-6, 1.5e-6, 1e-6], np.float32))


@pytest.mark.parametrize("layout", PlainLayout)
def test_noise_is_estimated_in_planes_that_share_no_sample(layout):
    clean = np.broadcast_to(np.linspace(0, 0.8, 256, dtype=np.float32), (3, 256, 256))
    noisy = clean + np.random.default_rng(0).standard_normal(clean.shape, np.float32) * np.sqrt(1e-3 * clean + 1e-6)
    samples = noisy if layout is PlainLayout.LINEAR_RGB else noisy[0]
    found = blind_noise(independent_planes(layout, samples), -1.0)
    assert found.sigma_at() == pytest.approx(NoiseModel.uniform(1e-3, 1e-6).sigma_at(), rel=0.1)

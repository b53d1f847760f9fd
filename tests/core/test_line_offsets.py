import math

import numpy as np
import pytest
import torch

from rawclean.core.bayer import BayerPattern
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.column_blocks import find_column_blocks
from rawclean.core.line_offsets import LineOffsets, find_line_offsets, without_line_offsets
from rawclean.core.line_profiles import LINES, line_profiles
from rawclean.core.noise import NoiseModel
from rawclean.core.xtrans import XTransPattern
from rawclean.evaluation.scenes import read_scenes
from rawclean.synthesis.noise_draw import add_noise
from rawclean.synthesis.sampling import sample

READ = 5e-5
SIGMA = math.sqrt(READ)


def noise_of(planes: int) -> NoiseModel:
    return NoiseModel(*(np.full(planes, value, np.float32) for value in (6e-3, READ)))


def noisy_of(clean: np.ndarray, noise: NoiseModel, seed: int = 0) -> np.ndarray:
    rng = torch.Generator().manual_seed(seed)
    return add_noise(torch.from_numpy(clean), noise, rng).numpy()


def even(planes: int, height: int, width: int, level: float) -> np.ndarray:
    return np.full((planes, height, width), level, dtype=np.float32)


def waves(length: int, period: float = 37) -> np.ndarray:
    return 1.2 * SIGMA * np.sin(2 * math.pi * np.arange(length, dtype=np.float32) / period)


def normal(rng: np.random.Generator, *size: int) -> np.ndarray:
    return rng.standard_normal(size, dtype=np.float32)


def sampled(mosaic: CfaFamily, sites: np.ndarray) -> np.ndarray:
    """Planes of grey `sites` (H, W)."""
    return sample(mosaic, torch.from_numpy(sites).expand(1, 3, *sites.shape))[0].numpy()


def planes_of(lines: LineOffsets, mosaic: CfaFamily) -> np.ndarray:
    return sampled(mosaic, lines.rows[:, None] + lines.columns)


def drawn(height: int, width: int) -> LineOffsets:
    rng = np.random.default_rng(1)
    columns = 0.25 * SIGMA * normal(rng, width)
    return LineOffsets(waves(height) + 0.3 * SIGMA * normal(rng, height), columns)


def rms(values: np.ndarray) -> float:
    return float(values.std())


@pytest.mark.parametrize("mosaic", CfaFamily)
def test_offsets_on_an_even_dark_scene_are_found_and_taken_out(mosaic):
    height, width = 384, 480
    lines = drawn(height, width)
    clean = sampled(mosaic, np.full((height, width), 0.02, dtype=np.float32))
    noisy = noisy_of(clean, noise_of(mosaic.planes)) + planes_of(lines, mosaic)
    found = find_line_offsets(noisy, noise_of(mosaic.planes))
    assert found.rows.shape == (height,)
    assert found.columns.shape == (width,)
    assert rms(found.rows - lines.rows) < 0.3 * rms(lines.rows)
    assert rms(found.columns - lines.columns) < 0.7 * rms(lines.columns)
    mended = without_line_offsets(noisy, found)
    expected = noisy - planes_of(found, mosaic)
    assert mended.dtype == np.float32
    np.testing.assert_allclose(mended, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mosaic", CfaFamily)
@pytest.mark.parametrize("width", [48, 66])
def test_blocks_of_columns_are_found_over_a_scene_that_varies_more(mosaic, width):
    """The scene swings by 10 sigma over some blocks, the offsets by 0.8: only the steps between them tell."""
    height, count = 420, 12
    offsets = 0.8 * SIGMA * np.repeat(normal(np.random.default_rng(1), count), width)
    lines = LineOffsets(np.zeros(height, dtype=np.float32), offsets)
    phase = np.arange(height, dtype=np.float32)[:, None] / 60 + np.arange(count * width, dtype=np.float32) / 90
    clean = sampled(mosaic, 0.1 + 10 * SIGMA * np.sin(phase))
    noisy = noisy_of(clean, noise_of(mosaic.planes), seed=1) + planes_of(lines, mosaic)
    found = find_line_offsets(noisy, noise_of(mosaic.planes))
    assert rms(found.columns - offsets) < 0.35 * rms(offsets)


def test_one_step_or_two_are_the_scene():
    clean = even(4, 200, 300, 0.02)
    clean[..., 100:] += SIGMA
    clean[..., 200:] += SIGMA
    noisy = noisy_of(clean, noise_of(4), seed=4)
    profiles = line_profiles(noisy.swapaxes(1, 2), noise_of(4), LINES[CfaFamily.BAYER][1])
    assert not find_column_blocks(profiles).any()


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_fence_is_the_scene(share):
    """It has equal distances as readout channels have, but is higher where there is more light, or ends somewhere."""
    light = np.linspace(0.01, 0.04, 200) if share == 1 else (np.arange(200) < 100) * 0.02
    posts = 1 + 0.5 * np.repeat(normal(np.random.default_rng(4), 12), 24)
    clean = np.maximum(0.005 + light[:, None] * posts, 0).astype(np.float32)
    noisy = noisy_of(np.stack([clean] * 4), noise_of(4), seed=4)
    profiles = line_profiles(noisy.swapaxes(1, 2), noise_of(4), LINES[CfaFamily.BAYER][1])
    assert not find_column_blocks(profiles).any()


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("size", [(320, 400), (321, 399)])
def test_all_patterns_have_their_rows_and_columns_at_the_right_place(pattern, size):
    lines = waves(size[0])[:, None] + 0.5 * waves(size[1], 50)
    mosaic = 0.01 + lines + SIGMA * normal(np.random.default_rng(0), *size)
    planes = pattern.pack(mosaic)
    noise = NoiseModel.uniform(1e-6, READ)
    left = without_line_offsets(planes, find_line_offsets(planes, noise))
    mended = pattern.unpack(left, size)
    taken = mosaic - mended
    assert rms(taken - lines) < 0.35 * rms(lines)


@pytest.mark.parametrize("mosaic", CfaFamily)
def test_white_noise_has_no_offsets(mosaic):
    noisy = noisy_of(even(mosaic.planes, 150, 160, 0.02), noise_of(mosaic.planes))
    found = find_line_offsets(noisy, noise_of(mosaic.planes))
    assert found.sigma == 0
    assert without_line_offsets(noisy, found) is noisy


@pytest.mark.parametrize("across", ["blinds", "horizon", "wall"])
def test_structure_along_the_rows_is_no_offset(across):
    rows = np.arange(300)
    bright = {
        "blinds": 0.3 + 0.2 * np.sign(np.sin(rows / 6)),
        "horizon": np.where(rows < 140, 0.6, 0.05),
        "wall": 0.1 + 0.3 * rows / 300,
    }[across]
    clean = bright[:, None] * (0.8 + 0.2 * np.sin(np.arange(400) / 40))
    for plane in (clean, clean.T):
        noisy = noisy_of(np.stack([plane.astype(np.float32)] * 4), noise_of(4))
        assert find_line_offsets(noisy, noise_of(4)).sigma < 0.1 * SIGMA


@pytest.mark.parametrize("planes", [4, 9])
@pytest.mark.parametrize("size", [(8, 8), (6, 100), (100, 6), (64, 64)])
def test_small_photos_have_offsets_of_their_size_and_no_faults(planes, size):
    noisy = noisy_of(even(planes, *size, 0.1), noise_of(planes))
    found = find_line_offsets(noisy, noise_of(planes))
    period = 2 if planes == 4 else 3
    assert (len(found.rows), len(found.columns)) == (period * size[0], period * size[1])
    assert np.isfinite(found.rows).all()
    assert np.isfinite(found.columns).all()


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_photo_that_is_all_black_or_clipped_has_no_offsets(level):
    assert find_line_offsets(even(4, 128, 128, level), noise_of(4)).sigma == 0


@pytest.mark.parametrize("read", [0, 1e-38, 1e-24])
def test_a_noiseless_photo_has_no_offsets(read):
    planes = np.random.default_rng(0).random((4, 128, 128), dtype=np.float32)
    assert find_line_offsets(planes, NoiseModel.uniform(0, read)).sigma == 0


def test_planes_without_noise_that_show_nothing_have_finite_offsets():
    planes = even(4, 128, 128, 0)
    planes[1, :50] = 1
    found = find_line_offsets(planes, NoiseModel(np.zeros(4, np.float32), np.array([0, 1e-6, 0, 0], np.float32)))
    assert np.isfinite(found.sigma)


def test_x_trans_photos_are_offset_where_their_sites_lie():
    pattern = XTransPattern(0, 0)
    rows, columns = np.arange(120, dtype=np.float32), 100 * np.arange(30, dtype=np.float32)
    planes = pattern.pack(rows[:, None] + columns)
    assert not without_line_offsets(planes, LineOffsets(rows, columns)).any()


@pytest.mark.slow
def test_natural_photos_lose_no_more_than_a_tenth_of_the_read_noise(shared):
    """On photos without offsets what is taken out is below what one sees: 0.1 sigma costs 0.01 dB at this noise."""
    for scene in read_scenes(shared / "photos" / "dev", limit=8):
        noisy, noise = scene.noisy(6.4e-3)
        assert find_line_offsets(noisy, noise).sigma < 0.1 * math.sqrt(noise.read[0])

import math

import pytest
import torch

from rawclean.core.bayer import BayerPattern
from rawclean.core.column_blocks import find_column_blocks
from rawclean.core.layout import sample
from rawclean.core.line_offsets import LineOffsets, find_line_offsets, without_line_offsets
from rawclean.core.line_profiles import LINES, line_profiles
from rawclean.core.mosaics import Mosaic
from rawclean.core.noise import NoiseModel, add_noise
from rawclean.core.xtrans import XTransPattern
from rawclean.evaluation.scenes import read_scenes

READ = 5e-5
SIGMA = math.sqrt(READ)


def noise_of(planes: int) -> NoiseModel:
    return NoiseModel(torch.full((planes,), 6e-3), torch.full((planes,), READ))


def waves(length: int, period: float = 37) -> torch.Tensor:
    return 1.2 * SIGMA * torch.sin(2 * math.pi * torch.arange(length) / period)


def planes_of(lines: LineOffsets, mosaic: Mosaic) -> torch.Tensor:
    sites = lines.rows[:, None] + lines.columns
    return sample(mosaic, sites.expand(1, 3, *sites.shape))[0]


def drawn(mosaic: Mosaic, height: int, width: int) -> LineOffsets:
    rng = torch.Generator().manual_seed(1)
    columns = 0.25 * SIGMA * torch.randn(width, generator=rng)
    return LineOffsets(waves(height) + 0.3 * SIGMA * torch.randn(height, generator=rng), columns)


def rms(values: torch.Tensor) -> float:
    return float((values - values.mean()).square().mean().sqrt())


@pytest.mark.parametrize("mosaic", Mosaic)
def test_offsets_on_an_even_dark_scene_are_found_and_taken_out(mosaic):
    height, width = 384, 480
    lines = drawn(mosaic, height, width)
    clean = planes_of(LineOffsets(torch.full((height,), 0.02), torch.zeros(width)), mosaic)
    noisy = add_noise(clean, noise_of(mosaic.planes), torch.Generator().manual_seed(0)) + planes_of(lines, mosaic)
    found = find_line_offsets(noisy, noise_of(mosaic.planes))
    assert found.rows.shape == (height,)
    assert found.columns.shape == (width,)
    assert rms(found.rows - lines.rows) < 0.3 * rms(lines.rows)
    assert rms(found.columns - lines.columns) < 0.7 * rms(lines.columns)
    mended = without_line_offsets(noisy, found)
    expected = noisy - planes_of(found, mosaic)
    assert torch.allclose(mended, expected, atol=1e-7)


@pytest.mark.parametrize("mosaic", Mosaic)
@pytest.mark.parametrize("width", [48, 66])
def test_blocks_of_columns_are_found_over_a_scene_that_varies_more(mosaic, width):
    """The scene swings by 10 sigma over some blocks, the offsets by 0.8: only the steps between them tell."""
    rng = torch.Generator().manual_seed(4)
    height, count = 420, 12
    offsets = 0.8 * SIGMA * torch.randn(count, generator=rng).repeat_interleave(width)
    lines = LineOffsets(torch.zeros(height), offsets)
    phase = torch.arange(height)[:, None] / 60 + torch.arange(count * width) / 90
    clean = sample(mosaic, (0.1 + 10 * SIGMA * torch.sin(phase)).expand(1, 3, -1, -1))[0]
    noisy = add_noise(clean, noise_of(mosaic.planes), rng) + planes_of(lines, mosaic)
    found = find_line_offsets(noisy, noise_of(mosaic.planes))
    assert rms(found.columns - offsets) < 0.35 * rms(offsets)


def test_one_step_or_two_are_the_scene():
    rng = torch.Generator().manual_seed(4)
    clean = torch.full((4, 200, 300), 0.02)
    clean[..., 100:] += SIGMA
    clean[..., 200:] += SIGMA
    noisy = add_noise(clean, noise_of(4), rng)
    profiles = line_profiles(noisy.transpose(1, 2), noise_of(4), LINES[Mosaic.BAYER][1])
    assert not find_column_blocks(profiles).any()


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_fence_is_the_scene(share):
    """It has equal distances as readout channels have, but is higher where there is more light, or ends somewhere."""
    rng = torch.Generator().manual_seed(4)
    light = torch.linspace(0.01, 0.04, 200)[:, None] if share == 1 else (torch.arange(200) < 100)[:, None] * 0.02
    posts = 1 + 0.5 * torch.randn(12, generator=rng).repeat_interleave(24)
    noisy = add_noise((0.005 + light * posts).expand(4, -1, -1).clamp(min=0), noise_of(4), rng)
    profiles = line_profiles(noisy.transpose(1, 2), noise_of(4), LINES[Mosaic.BAYER][1])
    assert not find_column_blocks(profiles).any()


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("size", [(320, 400), (321, 399)])
def test_all_patterns_have_their_rows_and_columns_at_the_right_place(pattern, size):
    rng = torch.Generator().manual_seed(0)
    lines = waves(size[0])[:, None] + 0.5 * waves(size[1], 50)
    mosaic = 0.01 + lines + SIGMA * torch.randn(size, generator=rng)
    planes = pattern.pack(mosaic)
    noise = NoiseModel.uniform(1e-6, READ)
    mended = pattern.unpack(without_line_offsets(planes, find_line_offsets(planes, noise)), size)
    taken = mosaic - mended
    assert rms(taken - lines) < 0.35 * rms(lines)


@pytest.mark.parametrize("mosaic", Mosaic)
def test_white_noise_has_no_offsets(mosaic):
    planes = torch.full((mosaic.planes, 150, 160), 0.02)
    noisy = add_noise(planes, noise_of(mosaic.planes), torch.Generator().manual_seed(0))
    found = find_line_offsets(noisy, noise_of(mosaic.planes))
    assert found.sigma == 0
    assert without_line_offsets(noisy, found) is noisy


@pytest.mark.parametrize("across", ["blinds", "horizon", "wall"])
def test_structure_along_the_rows_is_no_offset(across):
    rows = torch.arange(300.0)
    bright = {
        "blinds": 0.3 + 0.2 * torch.sign(torch.sin(rows / 6)),
        "horizon": torch.where(rows < 140, 0.6, 0.05),
        "wall": 0.1 + 0.3 * rows / 300,
    }[across]
    clean = (bright[:, None] * (0.8 + 0.2 * torch.sin(torch.arange(400.0) / 40))).expand(4, 300, 400)
    for planes in (clean, clean.transpose(1, 2)):
        noisy = add_noise(planes, noise_of(4), torch.Generator().manual_seed(0))
        assert find_line_offsets(noisy, noise_of(4)).sigma < 0.1 * SIGMA


@pytest.mark.parametrize("planes", [4, 9])
@pytest.mark.parametrize("size", [(8, 8), (6, 100), (100, 6), (64, 64)])
def test_small_photos_have_offsets_of_their_size_and_no_faults(planes, size):
    noisy = add_noise(torch.full((planes, *size), 0.1), noise_of(planes), torch.Generator().manual_seed(0))
    found = find_line_offsets(noisy, noise_of(planes))
    period = 2 if planes == 4 else 3
    assert (len(found.rows), len(found.columns)) == (period * size[0], period * size[1])
    assert bool(found.rows.isfinite().all() and found.columns.isfinite().all())


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_photo_that_is_all_black_or_clipped_has_no_offsets(level):
    assert find_line_offsets(torch.full((4, 128, 128), level), noise_of(4)).sigma == 0


def test_a_noiseless_photo_has_no_offsets():
    planes = torch.rand(4, 128, 128, generator=torch.Generator().manual_seed(0))
    assert find_line_offsets(planes, NoiseModel.uniform(0, 0)).sigma == 0


def test_x_trans_photos_are_offset_where_their_sites_lie():
    pattern = XTransPattern(0, 0)
    lines = LineOffsets(torch.arange(24.0), 100 * torch.arange(30.0))
    mosaic = lines.rows[:, None] + lines.columns
    left = without_line_offsets(pattern.pack(mosaic), lines)
    assert torch.equal(left, torch.zeros_like(left))


@pytest.mark.slow
def test_natural_photos_lose_no_more_than_a_tenth_of_the_read_noise(shared):
    """On photos without offsets what is taken out is below what one sees: 0.1 sigma costs 0.01 dB at this noise."""
    for scene in read_scenes(shared / "photos" / "dev", limit=8):
        noisy, noise = scene.noisy(6.4e-3)
        assert find_line_offsets(noisy, noise).sigma < 0.1 * float(noise.read[0].sqrt())

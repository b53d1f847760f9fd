import statistics

import pytest
import torch

from rawclean.core.noise import NoiseModel, add_noise
from rawclean.core.noise_estimation import estimate_noise
from rawclean.errors import InvalidNoiseError
from rawclean.evaluation.scenes import SHOT_LEVELS, read_scenes


@pytest.mark.parametrize("shot", [1e-4, 1e-3, 1e-2])
def test_a_flat_ramp_gives_shot_and_read(shot):
    noise = NoiseModel.uniform(shot, shot / 50)
    ramp = torch.linspace(0, 0.8, 512).expand(4, 512, 512)
    estimate = estimate_noise(add_noise(ramp, noise, torch.Generator().manual_seed(0)), -1.0)
    assert float(estimate.shot[0]) == pytest.approx(shot, rel=0.15)
    assert float(estimate.read[0]) == pytest.approx(shot / 50, rel=0.5)


def test_clipped_samples_do_not_count():
    noise = NoiseModel.uniform(5e-3, 1e-4)
    ramp = torch.linspace(-0.2, 1.4, 512).expand(4, 512, 512).clamp(0, 1)
    noisy = add_noise(ramp, noise, torch.Generator().manual_seed(0)).clamp(0, 1)
    assert estimate_noise(noisy, 0.0).sigma_at() == pytest.approx(noise.sigma_at(), rel=0.15)


def test_a_photo_that_is_all_clipped_has_no_estimate():
    with pytest.raises(InvalidNoiseError, match="--noise SHOT,READ"):
        estimate_noise(torch.ones(4, 64, 64), 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("shot", SHOT_LEVELS)
def test_sigma_of_natural_photos_is_within_15_percent(shared, shot):
    """Of 25 photos at most a quarter are beyond it: those that are textured, or grainy, everywhere."""
    ratios = []
    for scene in read_scenes(shared / "photos" / "dev"):
        noisy, noise = scene.noisy(shot)
        ratios.append(estimate_noise(noisy, -1.0).sigma_at() / noise.sigma_at())
    assert statistics.median(ratios) == pytest.approx(1, abs=0.1)
    assert statistics.fmean(abs(ratio - 1) <= 0.15 for ratio in ratios) >= 0.75

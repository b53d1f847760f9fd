"""The statistics of every effect that real sensors add, and of the noise that networks are told."""

import dataclasses
import math

import pytest
import torch

from rawclean.core.bayer import BayerPattern, unpack_rggb
from rawclean.core.noise import NoiseModel
from rawclean.core.xtrans import unpack_xtrans
from rawclean.synthesis.sensor_effects import (
    DEFECT_HEIGHT,
    PEDESTAL,
    SensorConfig,
    bands,
    colour_bias,
    companded,
    expose,
    filtered,
    quantised,
    read_noise,
    row_offsets,
    shot_noise,
    tukey_lambda,
    with_defects,
)
from rawclean.synthesis.told_noise import ToldConfig, tell_noise


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


NOISE = NoiseModel(torch.full((64, 4), 1e-3), torch.full((64, 4), 1e-4))
GREY = torch.full((64, 4, 32, 32), 0.3)
ALL, NONE = torch.ones(64, 1, 1, 1, dtype=torch.bool), torch.zeros(64, 1, 1, 1, dtype=torch.bool)
EVERYTHING = SensorConfig(**dict.fromkeys((field.name for field in dataclasses.fields(SensorConfig)), 1.0))


def test_without_effects_there_is_gaussian_shot_and_read_noise():
    spread = expose(GREY, NOISE, SensorConfig(), rng()) - GREY
    assert float(spread.var()) == pytest.approx(1e-3 * 0.3 + 1e-4, rel=0.02)
    assert float((spread / spread.std()).pow(4).mean()) == pytest.approx(3, abs=0.05)
    assert abs(float(spread.mean())) < 1e-4


@pytest.mark.parametrize("planes", [4, 9])
def test_all_effects_together_leave_finite_planes_of_either_mosaic(planes):
    noise = NoiseModel(torch.full((4, planes), 1e-3), torch.full((4, planes), 1e-4))
    clean = torch.rand(4, planes, 24, 24, generator=rng())
    noisy = expose(clean, noise, EVERYTHING, rng())
    assert noisy.shape == clean.shape
    assert bool(torch.isfinite(noisy).all())
    assert float(noisy.max()) <= 1
    assert float(noisy.min()) >= -PEDESTAL


def test_few_electrons_are_counted_one_by_one():
    gain = 0.05
    noise = NoiseModel(torch.full((64, 4), gain), torch.zeros(64, 4))
    spread = shot_noise(GREY, noise, ALL, rng())
    counts = (GREY + spread) / gain
    assert torch.allclose(counts, counts.round(), atol=1e-4)
    assert float(spread.var()) == pytest.approx(gain * 0.3, rel=0.02)
    skewness = float((spread / spread.std()).pow(3).mean())
    assert skewness == pytest.approx(1 / math.sqrt(0.3 / gain), rel=0.1)  # of a Poisson variable


@pytest.mark.parametrize("lam", [-0.28, -0.14, 0.0, 0.2])
def test_tukeys_lambda_has_unit_variance_and_heavy_tails_below_zero(lam):
    drawn = tukey_lambda(torch.Size((8, 4, 256, 256)), torch.full((8, 1, 1, 1), lam), rng())
    assert float(drawn.var()) == pytest.approx(1, rel=0.05)
    kurtosis = float(drawn.double().pow(4).mean())
    assert (kurtosis > 5) == (lam < 0) or lam == 0.0
    assert float(read_noise(drawn.shape, torch.ones(8, 1, 1, 1, dtype=torch.bool), rng()).var()) == pytest.approx(
        1, rel=0.1
    )


def test_filtered_noise_is_correlated_and_loses_at_most_its_filters_share():
    white = torch.randn(GREY.shape, generator=rng())
    smooth = filtered(white, ALL, rng())
    neighbours = float((smooth[..., 1:] * smooth[..., :-1]).mean() / smooth.square().mean())
    assert neighbours > 0.15
    variance = smooth.var(dim=(1, 2, 3))
    assert 0.1 < float(variance.min()) < float(variance.max()) < 1.1
    assert torch.equal(filtered(white, NONE, rng()), white)


@pytest.mark.parametrize("columns", [False, True])
def test_offsets_are_one_per_line_of_the_mosaic(columns):
    planes = row_offsets(torch.Size((1, 4, 8, 8)), rng(), columns=columns)[0]
    mosaic = torch.from_numpy(unpack_rggb(planes.numpy(), BayerPattern.RGGB, (16, 16)))
    line = mosaic[0] if columns else mosaic[:, 0]
    assert torch.equal(mosaic, (line[None] if columns else line[:, None]).expand(16, 16))
    assert len(set(line.tolist())) == 16


def test_rows_of_xtrans_run_through_all_planes():
    mosaic = torch.from_numpy(unpack_xtrans(row_offsets(torch.Size((1, 9, 8, 8)), rng())[0].numpy()))
    assert torch.equal(mosaic, mosaic[:, :1].expand(24, 24))


def test_bands_are_waves_over_rows_or_blocks_of_columns_of_the_same_strength():
    drawn = bands(torch.Size((600, 4, 96, 96)), rng())
    assert float(drawn.square().mean()) == pytest.approx(0.5, abs=0.05)
    waves = [crop for crop in drawn if torch.equal(crop, crop[..., :1].expand_as(crop))]
    blocks = [crop for crop in drawn if torch.equal(crop, crop[..., :1, :].expand_as(crop))]
    assert len(waves) + len(blocks) == 600
    assert abs(len(waves) - 300) < 50
    assert max(float(wave.abs().max()) for wave in waves) <= 1
    assert all(len(block.unique()) < 96 for block in blocks)


@pytest.mark.parametrize("bad", [{"steps": 9000}, {"rows": -0.1}])
def test_a_share_beyond_one_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        SensorConfig(**bad)


def test_the_colour_bias_is_one_offset_per_plane_of_which_half_is_shared():
    bias = colour_bias(torch.Size((4000, 4, 8, 8)), rng())
    assert bias.shape == (4000, 4, 1, 1)
    assert float(bias.var()) == pytest.approx(1, rel=0.05)
    assert float((bias[:, 0] * bias[:, 1]).mean()) == pytest.approx(0.5, abs=0.05)


def test_defects_are_rare_and_mostly_bright():
    defect = with_defects(GREY, NOISE, torch.full((64, 1, 1, 1), 0.01), rng()) - GREY
    sigma = float((NOISE.shot[0, 0] * 0.3 + NOISE.read[0, 0]).sqrt())
    assert float((defect != 0).float().mean()) == pytest.approx(0.01, rel=0.1)
    assert float((defect < 0).float().sum() / (defect != 0).sum()) == pytest.approx(0.2, abs=0.03)
    assert DEFECT_HEIGHT[0] * sigma * 0.99 <= float(defect[defect > 0].min())
    assert float(defect.max()) <= DEFECT_HEIGHT[1] * sigma * 1.01
    assert float((GREY + defect).min()) >= 0


def test_steps_add_the_variance_of_a_step_and_end_at_the_pedestal():
    ramp = torch.linspace(0, 0.9, GREY.numel()).reshape(GREY.shape)
    step = 1 / 1023
    error = quantised(ramp, torch.full((64, 1, 1, 1), step)) - ramp
    assert float(error.abs().max()) <= step / 2 * 1.01
    assert float(error.var()) == pytest.approx(step**2 / 12, rel=0.03)
    assert float(quantised(ramp - 1, torch.full((64, 1, 1, 1), step)).min()) == pytest.approx(-PEDESTAL)
    assert torch.equal(quantised(ramp, torch.zeros(64, 1, 1, 1)), ramp)


def test_companding_has_as_many_codes_as_said_and_finer_ones_in_the_dark():
    ramp = torch.linspace(-PEDESTAL, 1, 64 * 4 * 32 * 32).reshape(GREY.shape)
    codes = companded(ramp, torch.full((64, 1, 1, 1), 256.0)).unique()
    assert len(codes) == 257
    assert float(codes[1] - codes[0]) < float(codes[-1] - codes[-2]) / 100


def test_samples_above_white_are_lost_where_asked_for():
    bright = torch.full_like(GREY, 1.2)
    assert float(expose(bright, NOISE, SensorConfig(clipped=1.0), rng()).max()) == 1.0
    assert float(expose(bright, NOISE, SensorConfig(), rng()).max()) > 1.2


def test_the_truth_is_told_by_default():
    told = tell_noise(NOISE, ToldConfig(), rng())
    assert torch.equal(told.shot, NOISE.shot)
    assert torch.equal(told.read, NOISE.read)


def test_told_sigma_is_off_by_the_spreads():
    true = NoiseModel(torch.full((20_000, 4), 1e-3), torch.full((20_000, 4), 1e-4))
    told = tell_noise(true, ToldConfig(near=0.05, wide=0.2, wide_share=0.5, far_share=0.0, read=0.1), rng())
    error = 0.5 * (told.shot[:, 0] / true.shot[:, 0]).log()
    assert float(error.mean()) == pytest.approx(0, abs=0.005)
    assert float(error.std()) == pytest.approx(math.sqrt((0.05**2 + 0.2**2) / 2), rel=0.03)
    further = 0.5 * (told.read[:, 0] / true.read[:, 0]).log() - error
    assert float(further.std()) == pytest.approx(0.1, rel=0.03)
    assert torch.equal(told.shot[:, 0], told.shot[:, 3])

"""The faults that denoisers are measured on, and the measuring."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from rawclean.core.bayer import BayerPattern, unpack_rggb
from rawclean.core.noise import NoiseModel
from rawclean.evaluation.benchmark import Protocol
from rawclean.evaluation.metrics import raw_psnr
from rawclean.evaluation.scenes import ReadLine, read_scenes
from rawclean.evaluation.sensor import FACTORS, chain_of, expose, run_sensor_benchmark
from rawclean.synthesis.faults import FAULTS, PLATEAU, Exposure
from rawclean.synthesis.noise_draw import add_noise

SHOT, READ = 1e-3, 1e-4
READ_SIGMA = 0.01
SIZE = (480, 480)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def sound() -> Exposure:
    """Planes that brighten from column to column, with noise."""
    clean = torch.linspace(0.05, 0.6, SIZE[1]).expand(4, *SIZE).contiguous()
    noise = NoiseModel.uniform(SHOT, READ).mapped(torch.from_numpy)
    return Exposure(clean, add_noise(clean, noise, rng(1)), noise)


def added(sound: Exposure, fault: str) -> np.ndarray:
    """What a fault adds, as a mosaic (H, W)."""
    planes = FAULTS[fault](sound, rng()).noisy - sound.noisy
    return unpack_rggb(planes.numpy(), BayerPattern.RGGB, (2 * SIZE[0], 2 * SIZE[1]))


def test_hot_sites_are_as_many_and_as_high_as_said(sound):
    faulty = FAULTS["hot"](sound, rng())
    heated = faulty.planted[faulty.planted > 0]
    count = faulty.noisy.numel()  # 921,600: 369 hot sites and 46 dead ones
    assert len(heated) == pytest.approx(4e-4 * count, rel=0.15)  # three standard deviations
    assert float(heated.mean()) == pytest.approx(0.25, rel=0.25)  # some are clipped at white
    assert float(faulty.noisy[faulty.planted > 0].max()) <= 1
    assert int(((faulty.noisy == 0) & (sound.noisy != 0)).sum()) == pytest.approx(5e-5 * count, rel=0.45)
    untouched = (faulty.planted == 0) & (faulty.noisy != 0)
    assert torch.equal(faulty.noisy[untouched], sound.noisy[untouched])


def test_rows_and_columns_of_the_mosaic_have_their_offsets(sound):
    mosaic = added(sound, "rows")
    rows, columns = mosaic.mean(1), mosaic.mean(0)
    assert np.allclose(mosaic, rows[:, None] + columns - mosaic.mean(), atol=1e-6)
    assert float(rows.std()) == pytest.approx(0.7 * READ_SIGMA, rel=0.1)
    assert float(columns.std()) == pytest.approx(0.25 * READ_SIGMA, rel=0.1)


def test_bands_are_a_wave_over_rows_and_blocks_of_columns(sound):
    mosaic = added(sound, "bands")
    wave, blocks = mosaic.mean(1) - mosaic.mean(), mosaic.mean(0)
    assert float(wave.std()) == pytest.approx(1.2 * READ_SIGMA / 2**0.5, rel=0.02)
    assert np.allclose(wave[37:], wave[:-37], atol=1e-5)
    assert np.allclose(blocks.reshape(-1, 48), blocks[::48, None], atol=1e-6)
    assert float(blocks.std()) == pytest.approx(0.8 * READ_SIGMA, rel=0.6)  # 20 blocks only


def test_heavy_tails_keep_the_variance(sound):
    spread = (FAULTS["tails"](sound, rng()).noisy - sound.clean) / sound.noise.variance(sound.clean).sqrt()
    gaussian = (sound.noisy - sound.clean) / sound.noise.variance(sound.clean).sqrt()
    assert float(spread.std()) == pytest.approx(1, abs=0.01)
    assert float((spread.abs() > 4).float().mean()) > 3 * float((gaussian.abs() > 4).float().mean())


def test_filtering_takes_six_sevenths_of_the_variance_and_leaves_correlation(sound):
    spread = (FAULTS["filtered"](sound, rng()).noisy - sound.clean)[:, :, 200:280]
    variance = float(spread.var())
    assert variance / float((sound.noisy - sound.clean)[:, :, 200:280].var()) == pytest.approx((6 / 16) ** 2, rel=0.02)
    assert float((spread[:, 1:] * spread[:, :-1]).mean()) / variance == pytest.approx(4 / 6, abs=0.02)


def test_few_codes_are_left_of_a_coarse_curve(sound):
    coarse = FAULTS["coarse"](sound, rng()).noisy
    assert 100 < len(coarse.unique()) <= 257
    assert float((coarse - sound.noisy).abs().max()) < 2 / 256


def test_the_black_level_of_each_plane_is_off(sound):
    offsets = [(FAULTS["black"](sound, rng(seed)).noisy - sound.noisy).mean((1, 2)) for seed in range(20)]
    sizes = torch.stack(offsets).abs()
    assert 0.002 <= float(sizes.min()) < 0.0023
    assert 0.0037 < float(sizes.max()) <= 0.004
    assert 0.3 < float((torch.stack(offsets) > 0).float().mean()) < 0.7


def test_fixed_patterns_grow_with_the_signal(sound):
    pattern = FAULTS["fixed"](sound, rng()).noisy - sound.noisy
    for columns in (slice(0, 20), slice(460, 480)):
        signal = sound.clean[..., columns].mean()
        expected = (0.015 * signal) ** 2 + (0.5 * READ_SIGMA) ** 2
        assert float(pattern[..., columns].var()) == pytest.approx(float(expected), rel=0.03)


def test_autofocus_sites_are_a_tenth_darker(sound):
    mosaic = added(sound, "autofocus")
    truth = unpack_rggb(sound.clean.numpy(), BayerPattern.RGGB, (2 * SIZE[0], 2 * SIZE[1]))
    assert np.allclose(mosaic[::12, ::8], -0.1 * truth[::12, ::8], atol=1e-6)
    assert int((mosaic != 0).sum()) == mosaic[::12, ::8].size


@pytest.mark.parametrize("share", [0.002, 0.01, 0.03])
def test_a_plateau_lies_below_white_and_is_no_error_where_it_is_even(sound, share):
    even, uneven = (FAULTS[f"{kind}{share:.1%}"](sound, rng()) for kind in ("plateau ", "uneven plateau "))
    assert float(even.clean.max()) == float(even.noisy.max()) == pytest.approx(PLATEAU)
    assert float((even.clean == even.clean.max()).float().mean()) == pytest.approx(share, rel=0.3)  # whole columns
    flat = even.noisy == even.noisy.max()
    assert float(uneven.noisy[flat].std()) == pytest.approx(10 / 16383, rel=0.05)
    assert torch.equal(uneven.noisy[~flat], even.noisy[~flat])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("planes", [4, 9])
def test_every_fault_is_finite_and_the_same_for_a_seed(fault, planes):
    clean = torch.rand((planes, 30, 42), generator=rng())
    noise = NoiseModel(torch.full((planes,), SHOT), torch.full((planes,), READ))
    exposure = Exposure(clean, add_noise(clean, noise, rng(1)), noise)
    first, second = (FAULTS[fault](exposure, rng()) for _ in range(2))
    assert first.noisy.shape == first.clean.shape == clean.shape
    assert torch.isfinite(first.noisy).all()
    assert torch.equal(first.noisy, second.noisy)
    assert fault == "none" or not torch.equal(first.noisy, exposure.noisy)


def test_the_read_noise_of_dnd_is_above_the_line_of_the_benchmark():
    ratios = [ReadLine.DND.variance(shot) / ReadLine.BENCHMARK.variance(shot) for shot in (1e-4, 1.2e-2)]
    assert ratios == [pytest.approx(3.76, abs=0.01), pytest.approx(5.51, abs=0.01)]


@pytest.fixture
def photos(tmp_path):
    """Two small pictures of soft blobs."""
    for name in ("a", "b"):
        seed = np.random.default_rng(ord(name)).integers(0, 255, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(seed).resize((128, 96), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
    return tmp_path


def test_scores_are_those_of_the_chain(photos):
    told_sigmas = []

    def chain(planes: np.ndarray, noise: NoiseModel | None) -> np.ndarray:
        if noise is None:
            return np.zeros_like(planes)
        told_sigmas.append(noise.sigma_at())
        return planes

    done = []
    result = run_sensor_benchmark(photos, {"none": chain}, Protocol(shots=(6.4e-3,)), lambda: done.append(1))
    scores = result.denoisers["none"]
    assert result.photos == len(done) == 2
    assert list(scores.faults) == list(FAULTS)
    assert all(score.told == score.noisy > score.blind for score in scores.faults.values())
    assert scores.faults["rows"].told_left is None
    first = next(read_scenes(photos))
    exposure = expose(first, 6.4e-3, "hot")
    alone = run_sensor_benchmark(photos, {"none": chain}, Protocol(shots=(6.4e-3,), limit=1), lambda: None, told=False)
    assert alone.denoisers["none"].faults["hot"].noisy == raw_psnr(exposure.noisy.numpy(), exposure.clean.numpy())
    assert [level.read for level in scores.levels] == list(ReadLine)
    level = scores.levels[0]
    assert level.told == pytest.approx([level.noisy] * len(FACTORS))
    assert level.worst_loss >= level.noisy - level.blind
    true = NoiseModel.uniform(6.4e-3, ReadLine.BENCHMARK.variance(6.4e-3)).sigma_at()
    assert told_sigmas[32 // 2 : 32 // 2 + len(FACTORS)] == pytest.approx([factor * true for factor in FACTORS])


def test_an_untouched_hot_site_keeps_its_height_and_a_blind_chain_estimates(photos):
    seen = []

    def denoiser(planes: np.ndarray, noise: NoiseModel) -> np.ndarray:
        seen.append(noise.sigma_at())
        return planes

    chain = chain_of(denoiser)
    protocol = Protocol(shots=(1.6e-3,), limit=1)
    result = run_sensor_benchmark(photos, {"same": chain}, protocol, lambda: None, told=False)
    score = result.denoisers["same"].faults["hot"]
    assert score.told_left == score.blind_left
    assert seen[1] == pytest.approx(seen[0], rel=0.3)


def test_bench_prints_the_tables_of_sensors(rawclean, photos):
    arguments = ("bench", photos, "--sensor", "--limit", 1, "--shot", 6.4e-3, "--model", "student-general")
    result = rawclean(*arguments)
    assert result.status == 0, result.err
    faults, benchmark, dnd = result.out.strip().split("\n\n")
    assert "| bands | " in faults
    assert len(faults.splitlines()) == 2 + len(FAULTS)
    assert "read noise benchmark" in benchmark
    assert "read noise dnd" in dnd
    assert all(len({row.count("|") for row in table.splitlines()}) == 1 for table in (faults, benchmark, dnd))


def test_bench_reports_one_part_of_sensors_as_json(rawclean, photos):
    arguments = ("bench", photos, "--sensor", "--limit", 1, "--part", "faults", "--shot", 6.4e-3, "--json")
    result = rawclean(*arguments)
    assert result.status == 0, result.err
    scores = json.loads(result.out)["denoisers"]["fast, by noise"]
    assert scores["levels"] == []
    assert scores["faults"]["none"]["told"] > scores["faults"]["none"]["noisy"]


def test_real_noise_is_no_ground_for_faults(rawclean, tmp_path):
    for name in ("noisy", "clean"):
        (tmp_path / name).mkdir()
    result = rawclean("bench", tmp_path, "--sensor")
    assert result.status == 2
    assert "clean photos" in result.err

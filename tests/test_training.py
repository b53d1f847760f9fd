import csv
import dataclasses
import math

import pytest
import torch
from PIL import Image

from rawclean.core.noise import NoiseModel, read_on_line
from rawclean.core.unprocess import (
    CameraDraw,
    draw_camera,
    gamma_expansion,
    inverse_tone_curve,
    invert_gains,
    mosaic_planes,
    unprocess,
)
from rawclean.errors import TrainingError
from rawclean.evaluation.metrics import raw_psnr
from rawclean.evaluation.scenes import SHOT_LEVELS, read_scenes
from rawclean.models.weights import load_network
from rawclean.training import loop
from rawclean.training.config import Stage, TrainConfig, read_recipe, shipped_recipe
from rawclean.training.dataset import PhotoCrops
from rawclean.training.loop import train
from rawclean.training.losses.relative_error import FLOOR, relative_log_error
from rawclean.training.noise_draw import NoiseRangeConfig, draw_noise

CPU = torch.device("cpu")
TINY = TrainConfig(
    network_config={"widths": (16, 16), "encoder_blocks": (0, 0), "decoder_blocks": (1, 1)},
    steps=6,
    warmup=2,
    precision="fp32",
    stages=(Stage(until=0.5, batch=2, crop=32), Stage(until=1.0, batch=1, crop=48)),
)


def crops() -> PhotoCrops:
    rng = torch.Generator().manual_seed(1)
    photos = [torch.randint(0, 256, (3, 96, 128), generator=rng, dtype=torch.uint8) for _ in range(3)]
    return PhotoCrops(photos, TINY.noise, CPU)


def test_six_steps_make_weights_and_a_log(tmp_path):
    weights = train(TINY, crops(), tmp_path / "run", CPU, lambda step, loss: None)
    assert load_network(weights).config.widths == (16, 16)
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["6"]
    assert math.isfinite(float(rows[0]["loss"]))


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    straight = load_network(train(TINY, crops(), tmp_path / "a", CPU, lambda step, loss: None))

    def kill(step: int, loss: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(loop, "LOG_EVERY", 4)
        with pytest.raises(KeyboardInterrupt):
            train(TINY, crops(), tmp_path / "b", CPU, kill)
    assert torch.load(tmp_path / "b" / "checkpoint.pt", weights_only=True)["step"] == 3
    resumed = load_network(train(TINY, crops(), tmp_path / "b", CPU, lambda step, loss: None))
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_training_lowers_the_loss(tmp_path, monkeypatch):
    losses: list[float] = []
    config = dataclasses.replace(TINY, steps=60, learning_rate=1e-3)
    monkeypatch.setattr(loop, "LOG_EVERY", 20)
    photos = [torch.full((3, 64, 64), code, dtype=torch.uint8) for code in (40, 120, 200)]
    train(config, PhotoCrops(photos, TINY.noise, CPU), tmp_path / "run", CPU, lambda step, loss: losses.append(loss))
    assert losses[-1] < losses[0] - 0.3


def test_the_command_trains(rawclean, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.linear_gradient("L").resize((320, 320)).convert("RGB").save(photos / "a.png")
    recipe = tmp_path / "r.toml"
    recipe.write_text('network = "fan"\nsteps = 2\n[[stages]]\nuntil = 1.0\nbatch = 1\ncrop = 64\n')
    result = rawclean("train", photos, "--run", tmp_path / "run", "--recipe", recipe)
    assert result.status == 0, result.err
    assert (tmp_path / "run" / "weights.safetensors").is_file()


def test_the_shipped_recipe_is_valid():
    config = read_recipe(shipped_recipe("student"))
    assert config.stages[-1].until == 1.0
    assert all(stage.crop % 32 == 0 for stage in config.stages)


@pytest.mark.parametrize("text", ["not toml [", "unknown = 1", 'network = "none"', "[noise]\nwrong = 1"])
def test_a_bad_recipe_is_named(tmp_path, text):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(TrainingError, match=r"r\.toml"):
        read_recipe(tmp_path / "r.toml")


def test_crops_beyond_every_photo_are_an_error():
    with pytest.raises(TrainingError, match="lower the crop size"):
        crops().draw(1, 1024, torch.Generator().manual_seed(0))


def test_batches_depend_on_the_generator_only():
    first, again, other = (crops().draw(2, 32, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.noisy, again.noisy)
    assert not torch.equal(first.noisy, other.noisy)


def test_drawn_noise_stays_in_its_range():
    noise = draw_noise(4000, NoiseRangeConfig(), torch.Generator().manual_seed(0), CPU)
    shot, read = noise.shot[:, 0], noise.read[:, 0]
    assert 6e-5 <= float(shot.min()) < 7e-5
    assert 1.8e-2 < float(shot.max()) <= 2e-2
    offset = (read / shot.clone().apply_(read_on_line)).log()
    assert abs(float(offset.mean())) < 0.05
    assert 0.45 < float(offset.std()) < 0.65  # sqrt(0.75 * 0.26^2 + 0.25 * 1.0^2) = 0.55


def test_the_loss_is_zero_decibels_for_untouched_noise_and_least_for_perfection():
    clean = torch.rand(2, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    noise = NoiseModel.uniform(0.0, 1e-2)
    noisy = clean + torch.randn(clean.shape, generator=torch.Generator().manual_seed(1)) * 0.1
    variance = noise.variance(clean)
    assert float(relative_log_error(noisy, clean, variance)) == pytest.approx(0.0, abs=0.05)
    assert float(relative_log_error(clean, clean, variance)) == pytest.approx(math.log(FLOOR))


def test_the_loss_has_the_gradient_of_its_formula():
    clean = torch.rand(2, 4, 4, 4, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    noisy = (clean + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: relative_log_error(x, clean, torch.full_like(clean, 1e-2)), noisy)


def test_unprocessing_undoes_tone_curve_and_gamma():
    linear = torch.linspace(0.01, 0.99, 50)
    srgb = torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    shown = 3 * srgb**2 - 2 * srgb**3
    assert torch.allclose(gamma_expansion(inverse_tone_curve(shown)), linear, atol=1e-5)


def test_white_stays_white_and_grey_is_darkened():
    gains = torch.tensor([[0.5, 0.8, 0.6]])
    assert torch.allclose(invert_gains(torch.ones(1, 3, 1, 1), gains), torch.ones(1, 3, 1, 1))
    assert torch.allclose(invert_gains(torch.full((1, 3, 1, 1), 0.5), gains).flatten(), torch.tensor([0.25, 0.4, 0.3]))


def test_the_mosaic_samples_each_colour_at_its_site():
    rgb = torch.arange(48.0).reshape(1, 3, 4, 4)
    red, green_1, green_2, blue = mosaic_planes(rgb)[0]
    assert red.tolist() == [[0, 2], [8, 10]]
    assert green_1.tolist() == [[17, 19], [25, 27]]
    assert green_2.tolist() == [[20, 22], [28, 30]]
    assert blue.tolist() == [[37, 39], [45, 47]]


def test_a_grey_photo_stays_grey_up_to_its_gains():
    camera = draw_camera(3, torch.Generator().manual_seed(0), CPU)
    neutral = CameraDraw(camera.srgb_to_camera, torch.ones(3, 3))
    planes = unprocess(torch.full((3, 3, 8, 8), 0.4), neutral)
    assert torch.allclose(planes, torch.full_like(planes, 0.4), atol=1e-5)


@pytest.mark.slow
def test_the_benchmark_protocol_gives_its_known_noisy_figures(shared):
    """Mean raw PSNR of the noisy dev photos, as the shared protocol has them (PERFORMANCE.md)."""
    scores: dict[float, list[float]] = {shot: [] for shot in SHOT_LEVELS}
    for scene in read_scenes(shared / "photos" / "dev"):
        for shot in SHOT_LEVELS:
            scores[shot].append(raw_psnr(scene.noisy(shot)[0], scene.clean))
    means = [sum(values) / len(values) for values in scores.values()]
    assert means == pytest.approx([50.04, 44.00, 37.92, 31.64, 28.64], abs=0.02)


@pytest.mark.slow
def test_the_student_beats_bm3d_at_every_level(shared):
    """On crops of four photos; all photos are in the README's table."""
    pytest.importorskip("bm3d", reason="the package bm3d is not installed")
    from rawclean.evaluation.bm3d import bm3d_planes
    from rawclean.evaluation.publish import denoiser_of
    from rawclean.models.manifest import find_model, load_model

    student = denoiser_of(load_model(find_model("student-general")))
    scenes = [scene for scene in read_scenes(shared / "photos" / "dev") if scene.index % 6 == 0][:4]
    for shot in SHOT_LEVELS:
        gains = []
        for scene in scenes:
            noisy, noise = scene.noisy(shot)
            crop = (..., slice(96, 192), slice(96, 192))
            classic = raw_psnr(bm3d_planes(noisy[crop].contiguous(), noise), scene.clean[crop])
            gains.append(raw_psnr(student(noisy[crop].contiguous(), noise), scene.clean[crop]) - classic)
        assert sum(gains) / len(gains) > 0, shot

import re
import signal
import subprocess
import sys

import pytest
import torch
from PIL import Image

from rawclean.core.cfa_family import CfaFamily
from rawclean.errors import TrainingError
from rawclean.evaluation.metrics import raw_psnr
from rawclean.evaluation.scenes import SHOT_LEVELS, read_scenes
from rawclean.instruments.noise_meter import NoiseMeter
from rawclean.instruments.site_judge import SiteJudge
from rawclean.models.weights import load_network
from rawclean.synthesis.noise_draw import NoiseRangeConfig, draw_noise
from rawclean.synthesis.sampling import sample_bayer
from rawclean.synthesis.unprocess import (
    CameraDraw,
    camera_colours,
    draw_camera,
    gamma_expansion,
    inverse_tone_curve,
    invert_gains,
)
from rawclean.training.config import read_recipe, shipped_recipe
from rawclean.training.dataset import PhotoCrops, Synthesis

CPU = torch.device("cpu")


def crops() -> PhotoCrops:
    rng = torch.Generator().manual_seed(1)
    photos = [torch.randint(0, 256, (3, 96, 128), generator=rng, dtype=torch.uint8) for _ in range(3)]
    return PhotoCrops(photos, Synthesis(), CPU)


@pytest.fixture
def photos(tmp_path):
    """A folder with one photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.linear_gradient("L").resize((320, 320)).convert("RGB").save(folder / "a.png")
    return folder


TINY_RECIPE = """
network = "{network}"
network_config = {{ widths = [16, 16], encoder_blocks = [0, 0], decoder_blocks = [1, 1] }}
steps = 2
{more}
[[stages]]
until = 1.0
batch = 1
crop = 64
"""


def recipe(tmp_path, network: str, more: str = ""):
    path = tmp_path / f"{network}.toml"
    path.write_text(TINY_RECIPE.format(network=network, more=more))
    return path


def test_the_whole_family_is_trained_by_commands(rawclean, photos, tmp_path):
    """Teacher, student, a student distilled from the teacher, a specialist made of the student."""

    def run(kind: str, config, *options: object):
        result = rawclean("train", kind, photos, "--out", tmp_path / kind, "--config", config, *options)
        assert result.status == 0, result.err
        return tmp_path / kind / "weights.safetensors"

    teacher = run("teacher", recipe(tmp_path, "teacher"))
    student = run("student", recipe(tmp_path, "fan"))
    matching = "[losses]\nfeature_matching = 0.5\noutput_matching = 0.1\nfeature_hints = 1.0\nlayers = [0, 1]"
    distilled = run("distil", recipe(tmp_path, "fan", matching), "--teacher", teacher)
    specialist = run("specialise", recipe(tmp_path, "fan"), "--start", student, "--sigma", 0.01, 0.02)
    values = [load_network(path).state_dict()["tail.weight"] for path in (student, distilled, specialist)]
    assert not torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])
    assert torch.allclose(values[0], values[2], atol=0.01)  # two small steps from its start


def test_a_student_learns_from_real_photos_too(rawclean, photos, tmp_path, sample):
    config = recipe(tmp_path, "fan", "real_share = 1.0")
    values = []
    for real in ([], ["--real", sample.parent]):
        result = rawclean("train", "student", photos, "--out", tmp_path / f"run-{len(real)}", "--config", config, *real)
        assert result.status == 0, result.err
        values.append(load_network(tmp_path / f"run-{len(real)}" / "weights.safetensors").state_dict()["tail.weight"])
    assert not torch.equal(*values)


def test_a_teacher_for_another_mosaic_is_refused(rawclean, photos, tmp_path):
    fan = recipe(tmp_path, "fan")
    rawclean("train", "student", photos, "--out", tmp_path / "s", "--config", fan)
    weights = tmp_path / "s" / "weights.safetensors"
    matching = recipe(tmp_path, "fan", "[losses]\nfeature_matching = 0.5")
    matching.write_text(matching.read_text().replace("[16, 16]", '[16, 16], mosaic = "xtrans"', 1))
    result = rawclean("train", "distil", photos, "--out", tmp_path / "d", "--config", matching, "--teacher", weights)
    assert result.status == 1
    assert "is for bayer, the student for xtrans" in result.err


def test_a_start_for_another_mosaic_is_refused(rawclean, photos, tmp_path):
    fan = recipe(tmp_path, "fan")
    rawclean("train", "student", photos, "--out", tmp_path / "s", "--config", fan)
    weights = tmp_path / "s" / "weights.safetensors"
    xtrans = recipe(tmp_path, "fan").read_text().replace("[16, 16]", '[16, 16], mosaic = "xtrans"')
    other = tmp_path / "other.toml"
    other.write_text(f'start = "{weights.as_posix()}"\n' + xtrans)
    result = rawclean("train", "student", photos, "--out", tmp_path / "x", "--config", other)
    assert result.status == 1
    assert "is for bayer" in result.err


def test_the_judge_of_bad_pixels_is_trained_by_a_command(rawclean, photos, tmp_path):
    result = rawclean("train", "judge", photos, "--out", tmp_path, "--steps", 2)
    assert result.status == 0, result.err
    assert SiteJudge.load(tmp_path / "site-judge.safetensors")


def test_the_noise_meter_is_trained_by_a_command(rawclean, photos, tmp_path):
    result = rawclean("train", "meter", photos, "--out", tmp_path / "meter", "--steps", 2)
    assert result.status == 0, result.err
    assert NoiseMeter.load(tmp_path / "meter" / "noise-meter.safetensors")


def test_two_processes_train_one_network(photos, tmp_path):
    """torchrun with gloo on the CPU: one log, and the same weights when run again."""
    config = recipe(tmp_path, "fan")
    found = []
    for name in ("first", "again"):
        launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "rawclean"]
        arguments = ["train", "student", photos, "--out", tmp_path / name, "--config", config, "--device", "cpu"]
        done = subprocess.run([sys.executable, *launch, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        rows = (tmp_path / name / "log.csv").read_text().splitlines()
        assert len(rows) == 2
        found.append(load_network(tmp_path / name / "weights.safetensors").state_dict())
    for key, value in found[0].items():
        assert torch.equal(value, found[1][key]), key


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process as Unix does")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_training_that_is_asked_to_stop_saves_all_its_steps(photos, tmp_path, name):
    config = recipe(tmp_path, "fan")
    command = [sys.executable, "-m", "rawclean", "train", "student", photos, "--out", tmp_path / "run"]
    command += ["--config", config, "--steps", "1000000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
        assert training.stderr is not None
        while "step 200" not in training.stderr.readline():
            assert training.poll() is None
        training.send_signal(getattr(signal, name))
        said = training.stderr.read()
    assert training.returncode == 130
    stopped = re.search(r"stopped after step (\d+) of 1000000; the same command goes on there\n$", said)
    assert stopped, said
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == int(stopped[1]) >= 200


LEFT_BEHIND = """
import os, sys
from pathlib import Path
from rawclean.cli.main import run
try:
    run()
finally:
    names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    sys.stderr.write(f"{sum('gloo' in name for name in names)} threads left\\n")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_no_thread_outlives_a_run_of_two_processes(photos, tmp_path):
    """One that does aborts the process, now and then, when Python ends."""
    (tmp_path / "run.py").write_text(LEFT_BEHIND)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", tmp_path / "run.py"]
    arguments = ["train", "student", photos, "--out", tmp_path, "--config", recipe(tmp_path, "fan"), "--device", "cpu"]
    done = subprocess.run([sys.executable, *launch, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("0 threads left") == 2


@pytest.mark.parametrize(
    "name",
    ["student", "standard", "teacher", "distil", "specialise", "fan_published", "xtrans", "standard_xtrans"],
)
def test_the_shipped_recipes_are_valid(name):
    config = read_recipe(shipped_recipe(name), teacher="weights.safetensors")
    assert config.stages[-1].until == 1.0
    step = 48 if config.synthesis.mosaic is CfaFamily.XTRANS else 32
    assert all(stage.crop % step == 0 for stage in config.stages)
    assert config.losses.needs_teacher == (name == "distil")


def test_a_recipe_for_distilling_needs_a_teacher():
    with pytest.raises(TrainingError, match="--teacher"):
        read_recipe(shipped_recipe("distil"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not toml [", "not a training recipe"),
        ("unknown = 1", "unknown is unknown"),
        ('network = "none"', "known: fan, mdrn, teacher"),
        ('precision = "fp61"', "precision: 'fp61' is not a valid Precision; known: auto, fp32, bf16"),
        ('optimizer = "sgd"', "known: muon, adamw"),
        ('steps = "many"', "steps: 'many' is no int"),
        ("steps = 0", "steps is at least 1"),
        ("[network_config]\ndepth = 3", "depth is unknown"),
        ('[network_config]\nmosaic = "foveon"', "mosaic: 'foveon' is not a valid CfaFamily; known: bayer, xtrans"),
        ("[network_config]\nwidths = [16, 'a']", "widths"),
        ("[noise]\nwrong = 1", "noise: wrong is unknown"),
        ("[network_config]\nencoder_blocks = [-1, 0, 0, 0, 0]", "encoder_blocks are at least 0, as many as widths"),
        ("learning_rate = inf", "learning_rate is above 0, and at most 1"),
        ("weight_decay = nan", "weight_decay is at least 0"),
        ("[told]\nnear = -1", "near is between 0 and 3"),
        ("[losses]\nrelative_error = 0", "one of the losses has a weight above 0"),
        ("[noise]\nshot_max = inf", "shot_max"),
        ("[noise]\nshot_min = 0", "shot_min"),
        ("[sensor]\nrows = 2", "rows"),
        ('[losses]\ntarget = "noisy"', "losses.target: 'noisy' is not a valid Target; known: clean, teacher"),
        ("[losses]\nhints = 1", "losses: hints is unknown"),
        ("[losses]\nfeature_hints = -1", "feature_hints is at least 0"),
        ("[[stages]]\nuntil = 0.5\nbatch = 1\ncrop = 64", "until of the stages rises, and ends at 1"),
    ],
)
def test_a_bad_recipe_is_named_with_the_place(tmp_path, text, reason):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(TrainingError, match=r"r\.toml") as caught:
        read_recipe(tmp_path / "r.toml")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


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
    assert 3e-5 <= float(shot.min()) < 4e-5
    assert 1.8e-2 < float(shot.max()) <= 2e-2
    electrons = read.sqrt() / shot
    assert float(electrons.median()) == pytest.approx(1.9, abs=0.2)
    assert float((electrons < 0.4).float().mean()) < 0.01
    assert 0.08 < float((electrons > 5).float().mean()) < 0.2
    assert float(read.max()) <= 0.01


def test_a_specialist_draws_noise_of_its_range_only():
    config = NoiseRangeConfig(sigma_min=0.01, sigma_max=0.02)
    noise = draw_noise(500, config, torch.Generator().manual_seed(0), CPU)
    sigma = (noise.shot[:, 0] * 0.18 + noise.read[:, 0]).sqrt()
    assert 0.01 <= float(sigma.min()) < 0.011
    assert 0.019 < float(sigma.max()) < 0.02


def test_a_range_that_holds_no_noise_is_an_error():
    config = NoiseRangeConfig(sigma_min=0.9, sigma_max=1.0)
    with pytest.raises(TrainingError, match="widen one of the ranges"):
        draw_noise(4, config, torch.Generator().manual_seed(0), CPU)


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
    red, green_1, green_2, blue = sample_bayer(rgb)[0]
    assert red.tolist() == [[0, 2], [8, 10]]
    assert green_1.tolist() == [[17, 19], [25, 27]]
    assert green_2.tolist() == [[20, 22], [28, 30]]
    assert blue.tolist() == [[37, 39], [45, 47]]


def test_a_grey_photo_stays_grey_up_to_its_gains():
    camera = draw_camera(3, torch.Generator().manual_seed(0), CPU)
    neutral = CameraDraw(camera.srgb_to_camera, torch.ones(3, 3))
    planes = sample_bayer(camera_colours(torch.full((3, 3, 8, 8), 0.4), neutral))
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
    from rawclean.evaluation.publish import torch_denoiser
    from rawclean.models.manifest import find_model
    from rawclean.models.weights import load_model

    student = torch_denoiser(load_model(find_model("student-general")))
    scenes = [scene for scene in read_scenes(shared / "photos" / "dev") if scene.index % 6 == 0][:4]
    for shot in SHOT_LEVELS:
        gains = []
        for scene in scenes:
            noisy, noise = scene.noisy(shot)
            crop = (..., slice(96, 192), slice(96, 192))
            classic = raw_psnr(bm3d_planes(noisy[crop], noise), scene.clean[crop])
            gains.append(raw_psnr(student(noisy[crop], noise), scene.clean[crop]) - classic)
        assert sum(gains) / len(gains) > 0, shot

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from dng_factory import make_frame

from rawclean.core.bayer import BayerPattern
from rawclean.core.frame import RawFrame
from rawclean.core.layout import PlainLayout, noise_of_planes
from rawclean.core.noise import NoiseModel
from rawclean.core.removal import Removal
from rawclean.core.tiling import Tiling, core_of
from rawclean.core.xtrans import XTransPattern
from rawclean.engines.answers import answer_of
from rawclean.engines.choices import DeviceChoice, EngineChoice, Precision
from rawclean.engines.device import pick_device
from rawclean.engines.pick import pick_engine
from rawclean.engines.tiled import Effort, Signal, denoise, denoise_planes
from rawclean.engines.torch_engine import TorchEngine
from rawclean.errors import UnsupportedDeviceError, UsageError
from rawclean.models.manifest import find_model, list_models
from rawclean.models.weights import load_model
from rawclean.networks import build_network

CPU = torch.device("cpu")
NOISE = NoiseModel.uniform(1.6e-3, 2.6e-6)


def signal(frame: RawFrame) -> Signal:
    return Signal(NOISE, np.ones((4,), np.float32), frame.levels)


@pytest.fixture(scope="module")
def student():
    return load_model(find_model("student-general"))


@pytest.mark.parametrize("size", [(33, 50), (128, 128), (7, 300), (97, 1)])
@pytest.mark.parametrize("most", [3, 16, 40, 512])
@pytest.mark.parametrize("step", [1, 16])
def test_tiles_of_one_size_cover_every_sample_once(size, most, step):
    tiling = Tiling.of(size, most, step, halo=0)
    count = np.zeros(size, np.float32)
    surrounded = tiling.surrounded(count[None])
    for tile in tiling.tiles():
        count[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
        assert tiling.window(surrounded, tile).shape == (1, *tiling.side)
        assert tile.top % step == 0
        assert tile.left % step == 0
    assert np.array_equal(count, np.ones(size, np.float32))
    assert max(tiling.side) <= max(step, most)


def test_there_are_as_few_tiles_as_can_be_and_they_are_no_larger_than_they_need_be():
    tiling = Tiling.of((2000, 3000), 768, 16, halo=0)
    assert tiling.side == (672, 752)
    assert len(list(tiling.tiles())) == 3 * 4


def test_a_tile_holds_its_true_neighbours_and_reflects_at_the_border():
    planes = np.arange(60.0, dtype=np.float32).reshape(1, 6, 10)
    tiling = Tiling.of((6, 10), 4, 4, halo=2)
    window = tiling.window(tiling.surrounded(planes), next(tiling.tiles()))
    assert window.shape == (1, 8, 8)
    assert np.array_equal(core_of(window, 2)[:, :4, :4], planes[:, :4, :4])
    assert window[0, 2].tolist() == [2, 1, 0, 1, 2, 3, 4, 5]


def test_a_photo_smaller_than_the_halo_is_reflected_again_and_again():
    planes = np.array([[[0.0, 1.0, 2.0]]], np.float32)
    tiling = Tiling.of((1, 3), 4, 1, halo=4)
    assert tiling.surrounded(planes)[0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("size", [(150, 203), (131, 160)])
def test_tiled_equals_whole(student, pattern, size):
    frame = make_frame(size, pattern)
    whole = denoise(frame, signal(frame), TorchEngine(student, CPU, torch.float32), Effort(tile=1024))
    tiled = denoise(frame, signal(frame), TorchEngine(student, CPU, torch.float32), Effort(tile=32))
    limit = 1e-5 * frame.levels.scale
    assert float(np.abs(whole.samples - tiled.samples).max()) <= limit
    assert float(np.abs(whole.samples - frame.samples).max()) > 100 * limit


@pytest.mark.parametrize("layout", [XTransPattern(0, 0), XTransPattern(1, 4), *PlainLayout])
def test_tiled_equals_whole_in_every_layout(student, layout):
    frame = make_frame((201, 274), layout)
    if isinstance(layout, XTransPattern):
        torch.manual_seed(0)
        student = build_network(
            "fan", {"widths": (8, 16, 16), "encoder_blocks": (0,) * 3, "decoder_blocks": (1,) * 3, "mosaic": "xtrans"}
        )
    whole = denoise(frame, signal(frame), TorchEngine(student, CPU, torch.float32), Effort(tile=1024))
    tiled = denoise(frame, signal(frame), TorchEngine(student, CPU, torch.float32), Effort(tile=32))
    limit = 1e-5 * frame.levels.scale
    assert float(np.abs(whole.samples - tiled.samples).max()) <= limit
    assert float(np.abs(whole.samples - frame.samples).max()) > 100 * limit


def test_clipped_samples_and_masked_borders_are_those_of_the_source(student):
    frame = make_frame((64, 96), margins=(4, 6))
    result = denoise(frame, signal(frame), TorchEngine(student, CPU, torch.float32), Effort())
    clipped = frame.samples >= frame.levels.white
    assert clipped.any()
    assert np.array_equal(result.samples[clipped], frame.samples[clipped])
    assert np.array_equal(result.raster[:4], frame.raster[:4])
    assert np.array_equal(result.raster[:, :6], frame.raster[:, :6])


def test_no_noise_means_no_change(student):
    planes = np.random.default_rng(0).random((4, 40, 56), np.float32)
    clean = denoise_planes(planes, NoiseModel.uniform(0.0, 0.0), TorchEngine(student, CPU, torch.float32), Effort())
    assert float(np.abs(clean - planes).max()) < 1 / 65535  # less than a 16-bit code


def test_strength_is_the_share_of_the_noise_taken_away(student):
    engine = TorchEngine(student, CPU, torch.float32)
    planes = np.random.default_rng(0).random((4, 40, 56), np.float32)
    full, half, none = (denoise_planes(planes, NOISE, engine, Effort(Removal(s))) for s in (1.0, 0.5, 0.0))
    assert np.array_equal(none, planes)
    assert np.allclose(half, (full + planes) / 2, atol=1e-6)


def test_half_precision_stays_far_below_the_noise(student):
    scene = make_frame((128, 160))
    engines = (TorchEngine(student, CPU, dtype) for dtype in (torch.float32, torch.bfloat16))
    single, half = (denoise(scene, signal(scene), engine, Effort()).samples for engine in engines)
    rms = float(np.square(single - half).mean() ** 0.5) / scene.levels.scale
    assert rms < 0.05 * NOISE.sigma_at()


def test_a_device_that_is_not_there_is_an_error_with_a_way_out():
    if torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(UnsupportedDeviceError, match="--device"):
        pick_device(DeviceChoice.MPS)


@pytest.mark.parametrize("name", [card.name for card in list_models() if card.onnx_sha256 is not None])
@pytest.mark.parametrize("shot", [1e-4, 6.4e-3])
def test_openvino_predicts_what_torch_does(name, shot):
    card = find_model(name)
    rng, planes = np.random.default_rng(0), card.mosaic.planes
    size = (9 * card.multiple_of, 13 * card.multiple_of)
    clean = np.broadcast_to(np.linspace(0, 0.9, size[1], dtype=np.float32), (planes, *size))
    noise = noise_of_planes(card.mosaic, NoiseModel.uniform(shot, 4 * shot**2))
    noisy = clean + rng.standard_normal(clean.shape, np.float32) * np.sqrt(noise.variance(clean))
    engines = [
        pick_engine(card, choice, DeviceChoice.CPU, Precision.FP32)
        for choice in (EngineChoice.OPENVINO, EngineChoice.TORCH)
    ]
    halo = engines[0].halo
    assert halo == engines[1].halo
    window = np.pad(noisy, [(0, 0), (halo, halo), (halo, halo)], "reflect")
    ours, reference = (engine.predict_noise(window, noise) for engine in engines)
    assert ours.shape == noisy.shape
    sigma = np.sqrt(noise.variance(clean))
    assert float(np.abs((ours - reference) / sigma).max()) < 1e-3
    assert float(np.sqrt(np.square((ours - reference) / sigma).mean())) < 1e-4
    assert float(np.abs(ours).max()) > noise.sigma_at()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("linked", [(".safetensors",), (".onnx",), (".safetensors", ".onnx")])
def test_weights_may_be_links(tmp_path, linked, renamed):
    """As programs install them that keep one copy of every file."""
    card = find_model("student-low")
    (tmp_path / "store").mkdir()
    for suffix in (".safetensors", ".onnx"):
        path = tmp_path / f"student-low{suffix}"
        shutil.copyfile(card.path.with_suffix(suffix), path)
        if suffix in linked:
            kept = path.rename(tmp_path / "store" / (f"blob-{suffix[1]}" if renamed else path.name))
            path.symlink_to(kept)
    card = dataclasses.replace(card, path=tmp_path / "student-low.safetensors")
    engine = pick_engine(card, EngineChoice.OPENVINO, DeviceChoice.CPU, Precision.FP32)
    assert answer_of(engine, 4).distance(card.answer) < 1e-4


def test_a_cpu_takes_openvino_and_without_it_torch(monkeypatch):
    card = find_model("student-general")
    assert pick_engine(card, EngineChoice.AUTO, DeviceChoice.CPU, Precision.AUTO).name.startswith("openvino cpu")
    monkeypatch.setattr("rawclean.engines.pick.openvino_is_installed", lambda: False)
    assert pick_engine(card, EngineChoice.AUTO, DeviceChoice.CPU, Precision.FP32).name == "torch cpu float32"
    with pytest.raises(UnsupportedDeviceError, match="pip install openvino"):
        pick_engine(card, EngineChoice.OPENVINO, DeviceChoice.AUTO, Precision.AUTO)


def test_info_says_what_computes_and_why(rawclean, monkeypatch):
    sample = Path(__file__).parents[1] / "data" / "guitar.dng"
    monkeypatch.setattr("rawclean.engines.pick.may_have_gpu", lambda: False)
    assert re.search(r"^engine +openvino$", rawclean("info", sample).out, re.MULTILINE)
    monkeypatch.setattr("rawclean.engines.pick.openvino_is_installed", lambda: False)
    assert "pip install openvino" in rawclean("info", sample).out


def test_openvino_tells_nobody_of_its_start(tmp_path):
    code = "import sys, rawclean.engines.openvino_engine; print([name for name in sys.modules if 'telemetry' in name])"
    environment = os.environ | {"HOME": str(tmp_path)}
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "openvino_telemetry.main" not in seen.stdout
    assert list(tmp_path.iterdir()) == []


def test_openvino_does_not_run_on_a_gpu():
    with pytest.raises(UsageError, match="--engine torch"):
        pick_engine(find_model("student-general"), EngineChoice.OPENVINO, DeviceChoice.CUDA, Precision.AUTO)


def test_a_model_without_an_onnx_file_runs_on_torch():
    card = dataclasses.replace(find_model("student-general"), onnx_sha256=None)
    assert pick_engine(card, EngineChoice.AUTO, DeviceChoice.CPU, Precision.FP32).name == "torch cpu float32"
    with pytest.raises(UsageError, match="no ONNX file"):
        pick_engine(card, EngineChoice.OPENVINO, DeviceChoice.CPU, Precision.AUTO)

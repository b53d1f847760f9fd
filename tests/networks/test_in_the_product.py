"""Every network and option as the product runs it: in tiles, and by OpenVINO from an ONNX file."""

import numpy as np
import pytest
import torch

from rawclean.core.noise import NoiseModel
from rawclean.engines.choices import Precision
from rawclean.engines.tiled import Effort, denoise_planes
from rawclean.engines.torch_engine import TorchEngine
from rawclean.models.onnx_export import export_is_installed, export_onnx
from rawclean.networks import build_network

NOISE = NoiseModel.uniform(1.6e-3, 2.6e-6)
SMALL = {"widths": (8, 16, 16), "encoder_blocks": (0, 1, 1), "decoder_blocks": (1, 1, 1)}
PUBLISHED = {"align_places": "every_block", "align_kernel": 1, "align_form": "published"}
NETWORKS = [
    ("fan", SMALL | PUBLISHED | {"quarter": True}),
    ("mdrn", {"width": 8, "degraded_width": 16, "depths": (1, 2), "blocks": 2}),
]


@pytest.fixture(params=NETWORKS, ids=["published and quarter", "mdrn"])
def network(request):
    torch.manual_seed(0)
    name, fields = request.param
    return build_network(name, fields).eval()


@pytest.fixture
def planes():
    rng = np.random.default_rng(0)
    return rng.random((4, 75, 102), np.float32) * np.linspace(0.1, 1, 102, dtype=np.float32)


def test_tiled_equals_whole(network, planes):
    engine = TorchEngine(network, torch.device("cpu"), torch.float32)
    whole, tiled = (denoise_planes(planes, NOISE, engine, Effort(tile=tile)) for tile in (1024, 32))
    assert float(np.abs(whole - tiled).max()) <= 1e-5
    assert float(np.abs(whole - planes).max()) > 1e-3


@pytest.mark.skipif(not export_is_installed(), reason="the packages onnx and onnxscript are not installed")
@pytest.mark.parametrize("half", [False, True])
def test_openvino_predicts_what_torch_does(network, half, planes, tmp_path):
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    import onnx

    from rawclean.engines.openvino_engine import OpenVinoEngine

    network = network.half().float() if half else network
    export_onnx(network, tmp_path / "a.onnx")
    stored = {each.data_type for each in onnx.load(tmp_path / "a.onnx").graph.initializer if np.prod(each.dims) > 1000}
    assert stored == {onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT}
    step = network.multiple_of
    ours = OpenVinoEngine(tmp_path / "a.onnx", Precision.FP32, multiple_of=step, network_halo=network.halo, planes=4)
    reference = TorchEngine(network, torch.device("cpu"), torch.float32)
    inside = planes[:, : 75 // step * step, : 102 // step * step]
    window = np.pad(inside, [(0, 0), *[(reference.halo,) * 2] * 2], "reflect")
    first, second = (engine.predict_noise(window, NOISE) for engine in (ours, reference))
    assert float(np.abs(first - second).max()) < 1e-4 * NOISE.sigma_at()
    assert float(np.abs(second).max()) > 0.01 * NOISE.sigma_at()

"""Networks that compute the core of their window only."""

import numpy as np
import pytest

from rawclean.models.manifest import find_model, list_models
from rawclean.models.onnx_export import export_is_installed, export_onnx
from rawclean.networks import build_network

pytest.importorskip("openvino", reason="OpenVINO is not installed")
from rawclean.engines.openvino_engine import read_network
from rawclean.engines.openvino_runtime import openvino
from rawclean.engines.trimming import trim

SHIPPED = sorted({card.parameters: card.name for card in list_models() if card.onnx_sha256 is not None}.values())
"""One of each shape."""
CORE = 64, 96


def predicted(network, guides):
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    (noise,) = compiled(guides).values()
    return noise


def guides_for(network, halo):
    rng = np.random.default_rng(0)
    channels = [parameter.get_partial_shape()[1].get_length() for parameter in network.get_parameters()]
    sizes = [[(side + 2 * halo) // 2**scale for side in CORE] for scale in range(len(channels))]
    return [rng.standard_normal((1, count, *size), np.float32) for count, size in zip(channels, sizes, strict=True)]


def assert_same_core(path, planes, halo):
    """Trimmed is whole, cut; returns how often it was cut."""
    whole, trimmed = read_network(path, planes), read_network(path, planes)
    trim(trimmed, halo)
    guides = guides_for(whole, halo)
    expected, found = predicted(whole, guides)[..., halo:-halo, halo:-halo], predicted(trimmed, guides)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()  # sums may be in another order
    return sum(node.get_type_name() == "Slice" for node in trimmed.get_ops())


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("halo", [96, 240])
def test_a_shipped_model_is_cut_where_it_pays_and_computes_the_same(name, halo):
    card = find_model(name)
    assert assert_same_core(card.onnx_path, card.mosaic.planes, halo) >= 5


SMALL = {
    "published FAN": ("fan", {"align_places": "every_block", "align_kernel": 1, "align_form": "published"}),
    "after blocks": ("fan", {"align_places": "decoder_blocks", "decoder_blocks": (2, 1, 2, 1, 1)}),
    "no alignment": ("fan", {"feature_align": False}),
    "kernel of five": ("fan", {"block_kernel": 5}),
    "quarter": (
        "fan",
        {"widths": (8, 8, 8), "encoder_blocks": (1, 1, 0), "decoder_blocks": (1, 1, 1), "quarter": True},
    ),
    "MDRN": ("mdrn", {}),
}


@pytest.mark.skipif(not export_is_installed(), reason="the packages onnx and onnxscript are not installed")
@pytest.mark.parametrize("kind", SMALL)
def test_any_network_computes_the_same(kind, tmp_path):
    name, config = SMALL[kind]
    network = build_network(name, config)
    for parameter in network.parameters():
        parameter.data += 0.02 * parameter.data.new_tensor(np.random.default_rng(1).standard_normal(parameter.shape))
    export_onnx(network, tmp_path / "a.onnx")
    assert_same_core(tmp_path / "a.onnx", 4, -(-network.halo // network.multiple_of) * network.multiple_of)

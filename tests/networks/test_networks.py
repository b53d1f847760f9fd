import pytest
import torch

from rawclean.networks import build_network
from rawclean.networks.contract import count_gmac_per_megapixel, count_parameters

SMALL_FAN = {"widths": (8, 8), "encoder_blocks": (1, 1), "decoder_blocks": (1, 1)}


@pytest.mark.parametrize("name", ["fan", "mdrn"])
def test_the_budget_of_the_student_is_kept(name):
    network = build_network(name, {})
    assert count_parameters(network) <= 150_000
    assert count_gmac_per_megapixel(network) <= 4.91


@pytest.mark.parametrize(
    ("name", "fields", "side"),
    [
        ("fan", {}, 416),
        (
            "fan",
            {"widths": (8, 8, 8), "encoder_blocks": (0,) * 3, "decoder_blocks": (0, 1, 0), "mosaic": "xtrans"},
            128,
        ),
        ("fan", {"widths": (8, 8, 8), "encoder_blocks": (0, 0, 0), "decoder_blocks": (0, 1, 0)}, 128),
        (
            "fan",
            {"widths": (8, 8, 8), "encoder_blocks": (0, 0, 1), "decoder_blocks": (0, 1, 0), "align_kernel": 1},
            128,
        ),
        ("fan", SMALL_FAN | {"align_places": "every_block", "align_form": "published"}, 128),
        ("fan", SMALL_FAN | {"align_places": "decoder_blocks", "align_kernel": 1}, 128),
        ("fan", SMALL_FAN | {"quarter": True}, 160),
        ("fan", SMALL_FAN | {"regulated": True, "block_kernel": 5}, 160),
        ("mdrn", {"width": 8, "degraded_width": 8, "depths": (1, 2), "blocks": 2}, 96),
        ("mdrn", {"width": 16, "degraded_width": 16, "depths": (2, 1, 1), "convolutions": 2, "blocks": 1}, 96),
        ("mdrn", {"width": 8, "degraded_width": 8, "depths": (1,), "blocks": 1, "mosaic": "xtrans"}, 64),
        ("teacher", {"widths": (8, 16, 16), "encoder_blocks": (1, 0, 1), "decoder_blocks": (1, 2, 0)}, 128),
        ("teacher", {"widths": (8, 16), "encoder_blocks": (0, 0), "decoder_blocks": (0, 1)}, 64),
    ],
)
def test_receptive_field_and_halo_are_those_of_the_gradients(name, fields, side):
    torch.manual_seed(0)
    network = build_network(name, fields).double()
    planes = torch.rand(1, network.mosaic.planes, side, side, dtype=torch.double).requires_grad_()
    noise = network(planes, torch.full_like(planes, 0.1))
    reach, halo, first, last = 0, 0, side // 2, side // 2 + network.multiple_of - 1
    for place in range(first, last + 1):
        (gradient,) = torch.autograd.grad(noise[0, :, place, place].sum(), planes, retain_graph=True)
        touched = (gradient.abs().sum(dim=(0, 1)) > 0).nonzero()
        reach = max(reach, place - int(touched.min()), int(touched.max()) - place)
        halo = max(halo, first - int(touched.min()), int(touched.max()) - last)
    assert reach == network.receptive_field
    assert halo == network.halo


def test_feature_align_can_be_left_out():
    with_align, without = (build_network("fan", {"feature_align": on}) for on in (True, False))
    assert count_parameters(without) < count_parameters(with_align)
    assert without(torch.rand(1, 4, 32, 32), torch.full((1, 4, 32, 32), 0.1)).shape == (1, 4, 32, 32)


def test_feature_align_sees_the_noise_of_every_scale():
    """A change of the noisy input reaches every layer's scale and shift."""
    torch.manual_seed(0)
    network = build_network("fan", {})
    planes = torch.rand(1, 4, 64, 64)
    network(planes, torch.full_like(planes, 0.1)).square().sum().backward()
    for align in network.aligns:
        assert float(align.hidden.weight.grad.abs().sum()) > 0
        assert float(align.scale.weight.grad.abs().sum()) > 0
        assert float(align.shift.weight.grad.abs().sum()) > 0

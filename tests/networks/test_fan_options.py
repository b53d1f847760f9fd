"""The options of the Feature-Align Network: as published, folded once more, fused and pruned for the product."""

import pytest
import torch

from rawclean.networks import build_network
from rawclean.networks.channel_gates import relative_cost
from rawclean.networks.contract import count_gmac_per_megapixel, count_parameters
from rawclean.networks.feature_align import FeatureAlign
from rawclean.networks.kernel_regulation import RegulatedConv
from rawclean.training.config import read_recipe, shipped_recipe

WIDE = {"widths": (16, 24), "encoder_blocks": (1, 1), "decoder_blocks": (1, 1)}


def probe(network):
    planes = torch.rand(1, 4, 32, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return network(planes, torch.full_like(planes, 0.1))


def scrambled(network):
    """With values in all learned parts, those included that start at zero."""
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.05 * torch.randn(value.shape, generator=rng))
    return network


def test_the_published_network_keeps_the_budget_of_the_paper():
    config = read_recipe(shipped_recipe("fan_published"))
    network = build_network(config.network, config.network_config)
    assert count_parameters(network) <= 161_000
    assert count_gmac_per_megapixel(network) <= 2.7
    aligns = [layer for layer in network.modules() if isinstance(layer, FeatureAlign)]
    assert len(aligns) == sum(network.config.encoder_blocks) + sum(network.config.decoder_blocks)
    assert {layer.hidden.kernel_size for layer in aligns} == {(1, 1)}


@pytest.mark.parametrize("form", ["residual", "published"])
def test_both_forms_of_feature_align_start_near_the_identity(form):
    torch.manual_seed(0)
    network = build_network("fan", {"align_form": form, "align_places": "every_block"})
    features, guide = torch.rand(1, 32, 8, 8), torch.rand(1, 8, 8, 8)
    for layer in (
        each for each in network.modules() if isinstance(each, FeatureAlign) and each.scale.out_channels == 32
    ):
        assert torch.allclose(layer(features, guide), features, atol=0.3)


@pytest.mark.parametrize(("places", "count"), [("decoder_entry", 5), ("decoder_blocks", 5), ("every_block", 7)])
def test_feature_align_stands_where_it_was_asked_for(places, count):
    network = build_network("fan", {"align_places": places})
    assert sum(isinstance(layer, FeatureAlign) for layer in network.modules()) == count


@pytest.mark.parametrize(("field", "value"), [("align_kernel", 2), ("block_kernel", 7), ("decoder_blocks", [1])])
def test_a_value_that_no_network_has_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        build_network("fan", {field: value})


@pytest.mark.parametrize("kernel", [3, 5])
def test_parallel_kernels_are_fused_to_one_that_computes_the_same(kernel):
    torch.manual_seed(0)
    network = scrambled(build_network("fan", WIDE | {"regulated": True, "block_kernel": kernel}))
    fused = network.published()
    assert not any(isinstance(layer, RegulatedConv) for layer in fused.modules())
    assert torch.allclose(probe(fused), probe(network), atol=1e-5)
    assert count_parameters(fused) < count_parameters(network)


def test_a_plain_network_is_published_as_it_is():
    network = build_network("fan", {})
    assert network.published() is network


def close_gates(network):
    """One group of channels at the finest scale, two at the next."""
    with torch.no_grad():
        network.gates[0].logits.fill_(-1.0)
        network.gates[1].logits.fill_(-1.0)


@pytest.mark.parametrize("more", [{}, {"regulated": True}, {"align_places": "every_block"}, {"quarter": True}])
def test_closed_gates_are_cut_off_and_nothing_changes(more):
    torch.manual_seed(0)
    network = scrambled(build_network("fan", WIDE | {"gates": True} | more))
    close_gates(network)
    pruned = network.published()
    assert pruned.config.widths == (8, 8)
    assert not pruned.gates
    assert torch.allclose(probe(pruned), probe(network), atol=1e-5)


def test_the_cost_of_gates_is_the_share_of_the_multiply_adds():
    """But for the hidden maps of Feature-Align, which are of the guides alone and have no gates."""
    torch.manual_seed(0)
    network = build_network("fan", WIDE | {"gates": True, "feature_align": False})
    whole = count_gmac_per_megapixel(network)
    assert float(relative_cost(network.layers(), network.gates).detach()) == pytest.approx(1.0)
    close_gates(network)
    share = count_gmac_per_megapixel(network.published()) / whole
    assert float(relative_cost(network.layers(), network.gates).detach()) == pytest.approx(share)


def test_gradients_reach_open_and_closed_gates():
    network = build_network("fan", WIDE | {"gates": True})
    close_gates(network)
    relative_cost(network.layers(), network.gates).backward()
    assert all(bool((gate.logits.grad > 0).all()) for gate in network.gates)

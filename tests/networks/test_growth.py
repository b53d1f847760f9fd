"""A network that is made larger: the same function at first, of which all that is added learns."""

from dataclasses import replace

import pytest
import torch

from rawclean.networks import build_network
from rawclean.networks.growth import grown

SMALL = {"widths": (16, 24), "encoder_blocks": (0, 1), "decoder_blocks": (1, 1), "align_hidden": 4}
LARGER = {
    "blocks": {"encoder_blocks": (1, 3), "decoder_blocks": (2, 1)},
    "channels": {"widths": (24, 32)},
    "hidden maps": {"align_hidden": 8},
    "gates": {"gates": True},
    "all at once": {"widths": (16, 40), "encoder_blocks": (1, 1), "align_hidden": 6, "gates": True},
}


@pytest.fixture
def small():
    """A network with values in all learned parts."""
    network = build_network("fan", SMALL)
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.05 * torch.randn(value.shape, generator=rng))
    return network


def planes() -> torch.Tensor:
    return torch.rand(1, 4, 32, 48, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("more", LARGER.values(), ids=LARGER)
def test_a_larger_network_computes_the_same(small, more):
    torch.manual_seed(0)
    sigma = torch.full_like(planes(), 0.1)
    larger = grown(small, replace(small.config, **more))
    with torch.no_grad():
        assert torch.allclose(larger(planes(), sigma), small(planes(), sigma), atol=1e-5)


@pytest.mark.parametrize("more", LARGER.values(), ids=LARGER)
def test_all_that_is_added_learns(small, more):
    torch.manual_seed(0)
    larger = grown(small, replace(small.config, **more))
    before = {name: value.clone() for name, value in larger.state_dict().items()}
    optimizer = torch.optim.SGD(larger.parameters(), lr=1e-2)
    for _ in range(3):  # what is read with zero weight has a gradient once its reader has learned
        optimizer.zero_grad()
        noise = larger(planes(), torch.full_like(planes(), 0.1))
        (noise - 1).square().mean().backward()
        optimizer.step()
    for name, value in larger.state_dict().items():
        assert (value != before[name]).any(), name


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"widths": (8, 24)}, "widths is smaller"),
        ({"encoder_blocks": (0, 0)}, "encoder_blocks is smaller"),
        ({"align_hidden": 2}, "only grow"),
        ({"block_kernel": 5}, "can grow in widths"),
        ({"mosaic": "xtrans"}, "can grow in widths"),
        ({"widths": (16, 24, 24), "encoder_blocks": (0, 1, 0), "decoder_blocks": (1, 1, 1)}, "number of scales"),
    ],
    ids=str,
)
def test_what_is_no_growth_is_refused(small, other, told):
    with pytest.raises(ValueError, match=told):
        grown(small, build_network("fan", SMALL | other).config)


def test_another_network_does_not_grow(small):
    with pytest.raises(ValueError, match="only a fan"):
        grown(build_network("teacher", {}), small.config)

"""Muon: what it does to a matrix, and which parameters it takes."""

import pytest
import torch
from torch import nn

from rawclean.training.optimizers import Muon, OptimizerChoice, Optimizers, orthogonalised


@pytest.mark.parametrize("shape", [(1, 16, 72), (3, 32, 32), (2, 72, 16)])
def test_orthogonalised_matrices_keep_their_directions_at_one_length(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 1e-3
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    result = orthogonalised(matrices)
    lengths = (left.mT @ result @ right.mT).diagonal(dim1=1, dim2=2)
    assert lengths.min() > 0.3  # small singular values come out a little short after five iterations
    assert lengths.max() < 1.3
    assert torch.linalg.svdvals(result) == pytest.approx(lengths.sort(descending=True).values, abs=1e-3)


def test_a_step_has_the_size_of_adamws():
    weight = nn.Parameter(torch.zeros(32, 32, 3, 3))
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    Muon([weight], lr=1e-2, weight_decay=0.0).step()
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.2 * 1e-2, rel=0.2)


def test_vectors_and_small_kernels_are_left_to_adamw():
    network = nn.Sequential(nn.Conv2d(8, 16, 3), nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 4, 3))
    by_muon = Optimizers(network, OptimizerChoice.MUON, 1e-3, 0.0).state_dict()
    assert [len(part["param_groups"][0]["params"]) for part in by_muon] == [5, 1]
    alone = Optimizers(network, OptimizerChoice.ADAMW, 1e-3, 0.0).state_dict()
    assert [len(part["param_groups"][0]["params"]) for part in alone] == [6]

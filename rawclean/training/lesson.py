"""A network and the losses that it learns by, as one module.

A loss may learn something itself: adapters, attention, a critic. Such parts are optimised, averaged over processes and
kept in checkpoints with the network, and are no part of its weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rawclean.networks import Network
from rawclean.networks.sigma_map import sigma_around
from rawclean.training.batch import Batch
from rawclean.training.losses import WeightedLoss
from rawclean.training.prediction import predict


class Lesson(nn.Module):
    """Calling it is the student's exam: the sum of all losses on a batch."""

    def __init__(self, network: Network, terms: Sequence[WeightedLoss]) -> None:
        super().__init__()
        self.network = network
        self.losses = nn.ModuleList(term.loss for term in terms)
        self._terms = tuple(terms)

    def forward(self, batch: Batch, done: float) -> Tensor:
        """The loss (scalar) after the share `done` of the run, from 0 to 1."""
        student = predict(self.network, batch.noisy, sigma_around(batch.noisy, batch.told))
        return torch.stack([term.at(done, student, batch) for term in self._terms]).sum()

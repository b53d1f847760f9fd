"""Differentiable feature aggregation (DFA, Guan et al. 2020): which of the teacher's layers to match is learned.

At every scale the target is sum_j softmax(beta_j) T_j over what each block of the teacher makes there. Were beta
learned with the student it would choose the layers that are easiest to match, the first; so it learns from a bridge
alone: the teacher's own result, where these sums take the place of its layers.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rawclean.networks.contract import latest
from rawclean.networks.guides import noise_guides
from rawclean.networks.sigma_map import sigma_around
from rawclean.training.batch import Batch
from rawclean.training.losses.paired import AdaptedLoss
from rawclean.training.losses.teacher import FeaturePair, FrozenTeacher, probed_stages
from rawclean.training.prediction import Prediction

LEAST_VARIANCE = 1e-6


class AggregatedFeatures(AdaptedLoss):
    """Squared distance to the aggregates, through learned 1x1 adapters, and the bridge."""

    def __init__(self, teacher: FrozenTeacher, pairs: Sequence[FeaturePair]) -> None:
        super().__init__(teacher, pairs)
        stages = probed_stages(teacher.network)
        self.betas = nn.ParameterDict(
            {str(pair.teacher): nn.Parameter(torch.zeros(len(stages[pair.teacher]))) for pair in pairs}
        )

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """The mean relative squared distance, and the bridge's error."""
        return self.matching(student, batch) + self.bridge(batch)

    def matching(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over layers of mean (A(S) - T)^2 over the variance of T; gradients reach student and adapters."""
        stages = self.teacher.prediction(batch).stages
        terms = []
        for pair, adapter in zip(self.pairs, self.adapters, strict=True):
            target = self.aggregate(pair.teacher, stages[pair.teacher]).detach().float()
            reached = adapter(student.features[pair.student]).float()
            variance = (target - target.mean(dim=(0, 2, 3), keepdim=True)).square().mean().clamp(min=LEAST_VARIANCE)
            terms.append((reached - target).square().mean() / variance)
        return torch.stack(terms).mean()

    def bridge(self, batch: Batch) -> Tensor:
        """Squared error of the teacher's result by way of the aggregates, over the noise; gradients reach beta only."""
        network, sigma_map = self.teacher.network, sigma_around(batch.noisy, batch.noise)
        guides = noise_guides(batch.noisy, sigma_map, network.scales, network.mosaic)
        stages = network.stages(guides, self.aggregate)
        noise = network.noise_of(self.aggregate(len(stages) - 1, stages[-1])).float()
        error = (batch.noisy - sigma_map * noise - batch.clean).square().mean(dim=(1, 2, 3))
        relative: Tensor = (error / batch.noise.variance(batch.clean).mean(dim=(1, 2, 3))).mean()
        return relative

    def aggregate(self, place: int, outputs: Sequence[Tensor]) -> Tensor:
        """The weighted sum of a stage's outputs; the last of them where the stage is not matched."""
        if str(place) not in self.betas:
            return latest(place, outputs)
        weights = self.betas[str(place)].softmax(dim=0)
        return torch.stack([weight * each for weight, each in zip(weights, outputs, strict=True)]).sum(dim=0)

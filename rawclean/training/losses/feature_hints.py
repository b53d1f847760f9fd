"""Feature hints: distil a teacher of another architecture by what it has found out at every scale.

After the feature strategy of heterogeneous distillation (Li et al. 2022, arXiv 2204.13873): features of the student
match those of the teacher, at equal resolution and for the same noisy input, through a linear map of the channels.
Here the map is no learned layer but the best one for the batch, by ridge regression. So the loss is the share of the
teacher's features that the student's do not explain, 1 - R^2; and at a minimum over the map the gradient needs none
through it.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from rawclean.errors import TrainingError
from rawclean.networks import Network
from rawclean.networks.fan import Fan
from rawclean.networks.sigma_map import sigma_around
from rawclean.networks.teacher import Teacher
from rawclean.training.batch import Batch

RIDGE = 1e-3
"""Added to the Gram matrix of the student's channels, in units of their mean square."""
LEAST_DEVIATION = 1e-3
"""Keeps channels of the teacher that do nothing from being scaled up."""


class FeatureHints:
    """The loss for one frozen teacher and one student, whose features it sees on their way.

    `layers` index the decoders, coarsest first, as `Teacher.features`. Raises TrainingError where the student is no
    Feature-Align Network with as many scales as the teacher.
    """

    def __init__(self, teacher: Teacher, student: Network, layers: Sequence[int]) -> None:
        if not isinstance(student, Fan) or len(student.decoders) != len(teacher.decoders):
            raise TrainingError("feature hints are for a fan with as many scales as its teacher")
        self.teacher = teacher.requires_grad_(False)
        self.layers = tuple(layers)
        self._seen: dict[int, Tensor] = {}
        for layer in self.layers:
            student.decoders[-1 - layer].register_forward_hook(partial(self._keep, layer))

    def __call__(self, denoised: Tensor, batch: Batch) -> Tensor:
        """Mean over layers of the unexplained share; gradients reach the student's features only."""
        with torch.no_grad():
            wanted = self.teacher.features(batch.noisy, sigma_around(batch.noisy, batch.noise))
        with torch.autocast(denoised.device.type, enabled=False):
            shares = [unexplained(self._seen.pop(layer), wanted[layer]) for layer in self.layers]
        return torch.stack(shares).mean()

    def _keep(self, layer: int, module: nn.Module, inputs: object, output: Tensor) -> None:
        self._seen[layer] = output


def unexplained(features: Tensor, wanted: Tensor) -> Tensor:
    """Share of the variance of `wanted` (B, D, H, W) that no linear map of `features` (B, C, H, W) gives, per channel.

    From 0, all explained, to 1; computed in float32 at least.
    """
    given, target = _centred(features), _centred(wanted)
    target = target / (target.square().mean(dim=0).sqrt() + LEAST_DEVIATION)
    with torch.no_grad():
        gram = given.T @ given
        ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        best = torch.linalg.solve(gram + ridge, given.T @ target)
    share: Tensor = (target - given @ best).square().mean()
    return share


def _centred(features: Tensor) -> Tensor:
    """Rows of positions, columns of channels, each with mean zero."""
    rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
    rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
    return rows - rows.mean(dim=0)

"""Feature hints: distil a teacher of another architecture by what it has found out at every scale.

After the feature strategy of heterogeneous distillation (Li et al. 2022, arXiv 2204.13873): features of the student
match those of the teacher, at equal resolution and for the same noisy input, through a linear map of the channels.
Here the map is no learned layer but the best one for the batch, by ridge regression. So the loss is the share of the
teacher's features that the student's do not explain, 1 - R^2; and at a minimum over the map the gradient needs none
through it.
"""

import torch
from torch import Tensor

from rawclean.training.batch import Batch
from rawclean.training.losses.paired import LEAST_DEVIATION, PairedLoss
from rawclean.training.prediction import Prediction

RIDGE = 1e-3
"""Added to the Gram matrix of the student's channels, in units of their mean square."""


class FeatureHints(PairedLoss):
    """The loss for one frozen teacher and features of the student that pair with its own."""

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over layers of the unexplained share; gradients reach the student's features only."""
        wanted = self.teacher.prediction(batch).features
        with torch.autocast(student.denoised.device.type, enabled=False):
            shares = [unexplained(student.features[pair.student], wanted[pair.teacher]) for pair in self.pairs]
        return torch.stack(shares).mean()


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

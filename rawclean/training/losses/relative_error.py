"""Log of the error left, relative to the noise that was there.

Per crop, log(mean (denoised - clean)^2 / mean variance + floor): PSNR gained, in nepers. Every noise level and every
brightness weighs alike, while within a crop the squared error keeps the weighting of PSNR.
"""

from torch import Tensor

from rawclean.training.batch import Batch
from rawclean.training.losses import Loss
from rawclean.training.prediction import Prediction

FLOOR = 0.01
"""Relative error (-20 dB) below which a flat crop no longer pulls."""


class RelativeError(Loss):
    """The loss on exact targets."""

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over the batch of the log relative squared error."""
        error = (student.denoised - batch.clean).square().mean(dim=(1, 2, 3))
        given = batch.noise.variance(batch.clean).mean(dim=(1, 2, 3))
        loss: Tensor = (error / given + FLOOR).log().mean()
        return loss

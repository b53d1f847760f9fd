"""Log of the error left, relative to the noise that was there.

Per crop, log(mean (denoised - clean)^2 / mean variance + floor): PSNR gained, in nepers. Every noise level and every
brightness weighs alike, while within a crop the squared error keeps the weighting of PSNR.
"""

from torch import Tensor

FLOOR = 0.01
"""Relative error (-20 dB) below which a flat crop no longer pulls."""


def relative_log_error(denoised: Tensor, clean: Tensor, variance: Tensor) -> Tensor:
    """Mean over the batch; all arguments are (B, 4, H, W), `variance` is that of the added noise."""
    error = (denoised - clean).square().mean(dim=(1, 2, 3))
    relative: Tensor = error / variance.mean(dim=(1, 2, 3)) + FLOOR
    return relative.log().mean()

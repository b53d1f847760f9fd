"""How close a denoised mosaic is to the clean one."""

import math

from torch import Tensor


def raw_psnr(denoised: Tensor, clean: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of linear planes, both clipped to [0, 1], peak 1; infinite if equal."""
    error = float((denoised.clamp(0, 1) - clean.clamp(0, 1)).double().square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)

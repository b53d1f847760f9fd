"""How close a denoised mosaic is to the clean one."""

import math

import torch
from torch import Tensor
from torch.nn import functional

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2
"""Constants of Wang et al. 2004 for peak 1."""


def raw_psnr(denoised: Tensor, clean: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of linear planes, both clipped to [0, 1], peak 1; infinite if equal."""
    error = float((denoised.clamp(0, 1) - clean.clamp(0, 1)).double().square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def raw_ssim(denoised: Tensor, clean: Tensor) -> float:
    """Structural similarity (Wang et al. 2004) of planes (C, H, W) clipped to [0, 1], mean over planes; 1 if equal."""
    x, y = (planes.clamp(0, 1).double()[:, None] for planes in (denoised, clean))
    mean_x, mean_y = _smooth(x), _smooth(y)
    var_x, var_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    covariance = _smooth(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x**2 + mean_y**2 + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (var_x + var_y + SSIM_C2)
    return float((luminance * structure).mean())


def _smooth(images: Tensor) -> Tensor:
    """Gaussian window, valid samples only."""
    offsets = torch.arange(SSIM_WINDOW, dtype=images.dtype) - SSIM_WINDOW // 2
    weights = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    weights = weights / weights.sum()
    return functional.conv2d(functional.conv2d(images, weights[None, None, :, None]), weights[None, None, None])

"""How close a denoised mosaic is to the clean one."""

import math

import numpy as np

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2
"""Constants of Wang et al. 2004 for peak 1."""


def raw_psnr(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of linear planes, both clipped to [0, 1], peak 1; infinite if equal."""
    error = float(np.square((denoised.clip(0, 1) - clean.clip(0, 1)).astype(np.float64)).mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def raw_ssim(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004) of planes (C, H, W) clipped to [0, 1], mean over planes; 1 if equal."""
    x, y = (planes.clip(0, 1).astype(np.float64) for planes in (denoised, clean))
    mean_x, mean_y = _smooth(x), _smooth(y)
    var_x, var_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    covariance = _smooth(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x**2 + mean_y**2 + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (var_x + var_y + SSIM_C2)
    return float((luminance * structure).mean())


def _smooth(images: np.ndarray) -> np.ndarray:
    """Gaussian window, valid samples only."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    weights = weights / weights.sum()
    for axis in (-2, -1):
        length = images.shape[axis] - SSIM_WINDOW + 1
        parts = (np.take(images, np.arange(start, start + length), axis) for start in range(SSIM_WINDOW))
        images = sum(weight * part for weight, part in zip(weights, parts, strict=True))
    return images

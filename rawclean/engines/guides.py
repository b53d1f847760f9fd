"""What a network sees of a tile (`networks.guides`, `networks.sigma_map`): numpy is faster at it than OpenVINO.

In what training and the exported models say in torch, tests hold both equal.
"""

import numpy as np

from rawclean.core.block_means import block_means
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import LOCAL_MEAN, SIGMA_FLOOR, SIGMA_WINDOW, NoiseModel
from rawclean.core.xtrans import block_parity

STRIP = 96
"""Rows that are summed up together, so that they stay in the processor's cache."""


def sigma_around(planes: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """Standard deviation expected around each sample of noisy linear `planes` (P, H, W); fields of `noise` are (P,)."""
    sigma = local_mean(planes, SIGMA_WINDOW)
    sigma.clip(min=0, out=sigma)
    sigma *= noise.shot[:, None, None]
    sigma += noise.read[:, None, None]
    np.sqrt(sigma, out=sigma)
    return np.maximum(sigma, np.float32(SIGMA_FLOOR), out=sigma)


def noise_guides(planes: np.ndarray, sigma: np.ndarray, scales: int, mosaic: CfaFamily) -> list[np.ndarray]:
    """Guides (C, H / 2^s, W / 2^s) for s below `scales`; both inputs are (P, H, W), linear.

    The parity of X-Trans blocks counts from the input's corner, which must be of parity 0.
    """
    count, height, width = planes.shape
    coarse = np.empty((2 * count + (mosaic is CfaFamily.XTRANS), height, width), np.float32)
    normalised = np.divide(planes, sigma, out=coarse[:count])
    brightness = np.log2(sigma, out=coarse[count : 2 * count])
    brightness /= 4
    brightness += 1
    if mosaic is CfaFamily.XTRANS:
        coarse[-1] = block_parity(planes) - np.float32(0.5)
    finest = coarse.copy()
    finest[:count] -= local_mean(normalised, LOCAL_MEAN)
    guides = [finest]
    for _ in range(scales - 1):
        coarse = block_means(coarse, 2)
        guides.append(coarse)
    return guides


def local_mean(planes: np.ndarray, side: int) -> np.ndarray:
    """Mean over windows of `side` x `side` (odd) in (P, H, W); beyond the border there is nothing to count."""
    height, width = planes.shape[1:]
    down, across = 1 / _counted(height, side)[:, None], 1 / _counted(width, side)
    reach = side // 2
    padded = np.zeros((STRIP + 2 * reach, width + 2 * reach), np.float32)
    means = np.empty_like(planes)
    for plane, mean in zip(planes, means, strict=True):
        for top in range(0, height, STRIP):
            bottom = min(top + STRIP, height)
            first, last = max(top - reach, 0), min(bottom + reach, height)
            padded[: first - top + reach] = 0
            padded[last - top + reach :] = 0
            padded[first - top + reach : last - top + reach, reach:-reach] = plane[first:last]
            sums = _window_sums(_window_sums(padded, side).T, side).T[: bottom - top]
            sums *= down[top:bottom]
            np.multiply(sums, across, out=mean[top:bottom])
    return means


def _window_sums(values: np.ndarray, side: int) -> np.ndarray:
    """Sums (H, W - side + 1) of the `side` values from each on along the last axis of (H, W)."""
    count = values.shape[1] - side + 1
    sums = values[:, :count] + values[:, 1 : count + 1]
    for shift in range(2, side):
        sums += values[:, shift : shift + count]
    return sums


def _counted(length: int, side: int) -> np.ndarray:
    """How many samples the window around each has."""
    return np.convolve(np.ones(length, np.float32), np.ones(side, np.float32), "same")

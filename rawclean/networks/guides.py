"""The noisy input as networks see it: normalised by its noise, with its sigma map, at every scale."""

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.local_mean import local_mean

GUIDE_CHANNELS = 8
"""Planes of the noisy input (4) and of its sigma map (4)."""

LOCAL_MEAN = 5
"""Window in which the finest input is centred, so that half precision spends its bits on noise, not on brightness."""


def noise_guides(planes: Tensor, sigma_map: Tensor, scales: int) -> list[Tensor]:
    """Guides (B, 8, H / 2^s, W / 2^s) for s below `scales`; both inputs are (B, 4, H, W), linear."""
    normalised = planes / sigma_map
    brightness = torch.log2(sigma_map) / 4 + 1  # sigma 2^-8 ... 2^-2 becomes -1 ... 0.5
    guides = [torch.cat([normalised - local_mean(normalised, LOCAL_MEAN), brightness], dim=1)]
    coarse = torch.cat([normalised, brightness], dim=1)
    for _ in range(scales - 1):
        coarse = functional.avg_pool2d(coarse, 2)
        guides.append(coarse)
    return [guide.contiguous(memory_format=torch.channels_last) for guide in guides]

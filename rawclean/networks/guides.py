"""The noisy input as networks see it: normalised by its noise, with its sigma map, at every scale."""

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import LOCAL_MEAN
from rawclean.core.xtrans import block_parity
from rawclean.networks.local_mean import local_mean


def guide_channels(mosaic: CfaFamily) -> int:
    """Planes of the noisy input, as many of its sigma map, and for X-Trans the parity of the blocks."""
    return 2 * mosaic.planes + (mosaic is CfaFamily.XTRANS)


def noise_guides(planes: Tensor, sigma_map: Tensor, scales: int, mosaic: CfaFamily) -> list[Tensor]:
    """Guides (B, C, H / 2^s, W / 2^s) for s below `scales`; both inputs are (B, planes, H, W), linear.

    The parity of X-Trans blocks counts from the input's corner, which must be of parity 0.
    """
    normalised = planes / sigma_map
    brightness = torch.log2(sigma_map) / 4 + 1  # sigma 2^-8 ... 2^-2 becomes -1 ... 0.5
    fixed = [brightness]
    if mosaic is CfaFamily.XTRANS:
        parity = block_parity(planes).to(planes) - 0.5
        fixed.append(parity.expand(len(planes), 1, -1, -1))
    guides = [torch.cat([normalised - local_mean(normalised, LOCAL_MEAN), *fixed], dim=1)]
    coarse = torch.cat([normalised, *fixed], dim=1)
    for _ in range(scales - 1):
        coarse = functional.avg_pool2d(coarse, 2)
        guides.append(coarse)
    return [guide.contiguous(memory_format=torch.channels_last) for guide in guides]

"""What a sensor sees through its colour mosaic: colours at every site to packed planes, on any device."""

import torch
from torch import Tensor

from rawclean.core.bayer import BayerPattern
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.xtrans import CANONICAL, PERIOD, pack_xtrans


def sample(mosaic: CfaFamily, colours: Tensor) -> Tensor:
    """Colours at every site (B, 3, H, W), whole periods of `mosaic`, to its planes (B, planes, H', W')."""
    return sample_xtrans(colours) if mosaic is CfaFamily.XTRANS else sample_bayer(colours)


def sample_bayer(rgb: Tensor) -> Tensor:
    """Sample (B, 3, H, W) with even H and W through an RGGB mosaic: planes (B, 4, H/2, W/2)."""
    sites = zip((0, 1, 1, 2), BayerPattern.RGGB.plane_sites, strict=True)
    return torch.stack([rgb[:, colour, row::2, column::2] for colour, (row, column) in sites], dim=1)


def sample_xtrans(rgb: Tensor) -> Tensor:
    """Sample (B, 3, 6h, 6w) through the canonical mosaic: planes (B, 9, 2h, 2w)."""
    colours = torch.tensor([["RGB".index(letter) for letter in row] for row in CANONICAL], device=rgb.device)
    height, width = rgb.shape[-2:]
    index = colours.repeat(height // PERIOD, width // PERIOD).expand(len(rgb), 1, height, width)
    return pack_xtrans(rgb.gather(1, index)[:, 0])

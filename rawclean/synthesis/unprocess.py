"""Photo to clean RAW: undo what a camera does to show a picture (unprocessing, Brooks et al. 2019).

Steps: inverse tone curve, sRGB gamma expansion, sRGB -> camera matrix, inverse white balance and exposure with the
highlights kept, mosaic. The matrices are public DNG colour matrices (XYZ D65 -> camera).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.colour import SRGB_TO_XYZ

XYZ_TO_CAMERA = torch.tensor(
    [
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
        [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[0.8380, -0.2630, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
    ]
)
HIGHLIGHT = 0.9
"""Brightness above which the inverse gains fade out, so that white stays white."""


@dataclass(frozen=True, slots=True)
class CameraDraw:
    """One imagined exposure per crop of a batch of B."""

    srgb_to_camera: Tensor
    """(B, 3, 3), rows sum to one."""
    inverse_gains: Tensor
    """(B, 3): what white balance and exposure multiply by, inverted."""


def inverse_tone_curve(photo: Tensor) -> Tensor:
    """Undo the smoothstep curve 3x^2 - 2x^3 on [0, 1]."""
    return 0.5 - torch.sin(torch.asin(1 - 2 * photo.clamp(0, 1)) / 3)


def gamma_expansion(photo: Tensor) -> Tensor:
    """SRGB values to linear light (IEC 61966-2-1)."""
    return torch.where(photo <= 0.04045, photo / 12.92, ((photo + 0.055) / 1.055) ** 2.4)


def linear_of_code() -> Tensor:
    """Linear light of each 8-bit code, (256,): the two pointwise steps as one look-up."""
    return gamma_expansion(inverse_tone_curve(torch.arange(256, dtype=torch.float32) / 255))


def draw_camera(count: int, rng: torch.Generator, device: torch.device) -> CameraDraw:
    """Draw `count` cameras and exposures; a third of them beyond daylight white balance and full exposure."""
    mix = -torch.rand(count, len(XYZ_TO_CAMERA), generator=rng, device=device).clamp(min=1e-6).log()
    mix = mix / mix.sum(1, keepdim=True)
    matrix = torch.einsum("bm,mij,jk->bik", mix, XYZ_TO_CAMERA.to(device), torch.from_numpy(SRGB_TO_XYZ).to(device))
    matrix = matrix / matrix.sum(2, keepdim=True)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=rng, device=device)

    unusual = torch.rand(count, generator=rng, device=device) < 1 / 3
    red = torch.where(unusual, uniform(1.1, 2.9), uniform(1.9, 2.4))
    blue = torch.where(unusual, uniform(1.1, 2.9), uniform(1.5, 1.9))
    exposure = 0.8 + 0.1 * torch.randn(count, generator=rng, device=device)
    exposure = exposure * torch.where(unusual, torch.exp(uniform(math.log(0.2), 0.0)), torch.ones_like(exposure))
    gains = torch.stack([1 / red, torch.ones_like(red), 1 / blue], dim=1) * exposure[:, None]
    return CameraDraw(matrix, gains)


def invert_gains(linear: Tensor, inverse_gains: Tensor) -> Tensor:
    """Darken (B, 3, H, W) by (B, 3) gains, but let highlights keep their brightness."""
    gains = inverse_gains[:, :, None, None]
    grey = linear.mean(1, keepdim=True)
    mask = ((grey - HIGHLIGHT).clamp(min=0) / (1 - HIGHLIGHT)) ** 2
    return linear * torch.maximum(mask + (1 - mask) * gains, gains)


def camera_colours(linear: Tensor, camera: CameraDraw) -> Tensor:
    """Linear sRGB (B, 3, H, W) to what the drawn cameras see at every site, in [0, 1]."""
    camera_rgb = torch.einsum("bij,bjhw->bihw", camera.srgb_to_camera, linear)
    return invert_gains(camera_rgb, camera.inverse_gains).clamp(0, 1)

"""A mosaic to sRGB, as simply as it can be done: for measuring what an error looks like, not for photographs."""

import torch
from torch import Tensor
from torch.nn import functional


def develop(planes: Tensor, gains: Tensor, camera_to_srgb: Tensor) -> Tensor:
    """Linear RGGB `planes` (4, H, W) to sRGB (3, 2H, 2W) in [0, 1].

    Bilinear demosaicing, white balance `gains` (3,), clipping, matrix (3, 3) and the sRGB curve (IEC 61966-2-1).
    """
    camera = demosaic_bilinear(planes) * gains[:, None, None]
    linear = torch.einsum("ij,jhw->ihw", camera_to_srgb, camera.clamp(0, 1)).clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-8) ** (1 / 2.4) - 0.055)


def demosaic_bilinear(planes: Tensor) -> Tensor:
    """RGGB planes (4, H, W) to camera RGB (3, 2H, 2W): missing samples are the mean of their nearest neighbours."""
    _, height, width = planes.shape
    values = planes.new_zeros(3, 2 * height, 2 * width)
    known = torch.zeros_like(values)
    for plane, colour, row, column in zip(planes, (0, 1, 1, 2), (0, 0, 1, 1), (0, 1, 0, 1), strict=True):
        values[colour, row::2, column::2] = plane
        known[colour, row::2, column::2] = 1
    kernel = planes.new_tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])[None, None]
    sums, weights = (functional.conv2d(image[:, None], kernel, padding=1)[:, 0] for image in (values, known))
    return torch.where(known > 0, values, sums / weights)

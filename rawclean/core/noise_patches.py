"""Small pieces of a photo to measure its noise in: spread over the brightness, flat ones first, none clipped.

Each plane of a piece is scaled by a rough measure of its own noise (a high-pass filter that image structure hardly
passes, Immerkaer 1996, in its quieter blocks), so that what judges it needs no idea of how strong noise is.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

HIGH_PASS = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]) / 6
"""Keeps the variance of white noise; zero on every plane that is linear in row or column."""
SIDE = 32
"""Samples of a plane."""
CANDIDATES, KEPT = 512, 192
"""Pieces looked at and pieces kept of a large photo."""
BLOCK = 4
QUIET = 0.3
"""Quantile of the variances of a piece's blocks that stands for its noise."""
BRIGHTNESS_GROUPS = 8
CLIPPED_SHARE = 0.002
"""Share of a piece's samples that may be clipped: single hot or dead sites are, and are set to the mean."""
LEAST_SCALE = 1e-7
"""Below this there is no noise at all: a sixtieth of a 16-bit step."""


@dataclass(frozen=True, slots=True)
class NoisePatches:
    """N pieces of four planes."""

    values: Tensor
    """(N, 4, side, side), each plane less its mean and divided by its scale."""
    mean: Tensor
    """(N, 4) signal."""
    scale: Tensor
    """(N, 4) rough standard deviation of the noise."""

    def __getitem__(self, index: Tensor) -> "NoisePatches":
        return NoisePatches(self.values[index], self.mean[index], self.scale[index])


def cut_patches(planes: Tensor, floor: float, ceiling: Tensor) -> NoisePatches:
    """Choose pieces of `planes` (4, H, W), linear, that lose no noise at `floor` or at `ceiling` (4,)."""
    pieces = _candidates(planes)
    clipped = (pieces >= ceiling[:, None, None]) | (pieces <= floor)
    usable = clipped.float().mean((2, 3)).amax(1) <= CLIPPED_SHARE
    pieces, clipped = pieces[usable], clipped[usable]
    mean = pieces.mean((2, 3), keepdim=True)
    patches = scaled(torch.where(clipped, mean, pieces))
    return patches[_spread_choice(patches)]


def scaled(pieces: Tensor) -> NoisePatches:
    """Pieces (N, 4, side, side), linear, as a meter sees them."""
    mean = pieces.mean((2, 3), keepdim=True)
    centred = pieces - mean
    scale = _rough_noise(centred)
    values = centred / scale.clamp(min=LEAST_SCALE)[..., None, None]
    return NoisePatches(values, mean[..., 0, 0], scale)


def _candidates(planes: Tensor) -> Tensor:
    """Evenly spread pieces (N, 4, side, side)."""
    side = min(SIDE, *planes.shape[1:])
    rows, columns = (length // side for length in planes.shape[1:])
    step = max(1.0, (rows * columns / CANDIDATES) ** 0.5)
    tops, lefts = (
        [side * int(step * index) for index in range(int((count - 1) // step) + 1)] for count in (rows, columns)
    )
    return torch.stack([planes[:, top : top + side, left : left + side] for top in tops for left in lefts])


def _rough_noise(centred: Tensor) -> Tensor:
    """Standard deviation (N, 4) of the noise in the quieter blocks of pieces."""
    count, planes, side, _ = centred.shape
    if not count:
        return centred.new_empty(0, planes)
    filtered = functional.conv2d(centred.reshape(-1, 1, side, side), HIGH_PASS[None, None]).square()
    blocks = functional.avg_pool2d(filtered, min(BLOCK, side - 2))
    blocks = blocks.view(count, planes, blocks.shape[2] * blocks.shape[3])
    return blocks.quantile(QUIET, dim=2).sqrt()


def _spread_choice(patches: NoisePatches) -> Tensor:
    """Indices of at most KEPT pieces that have noise: of every group of equal brightness and size the flattest."""
    index = (patches.scale.amin(1) > LEAST_SCALE).nonzero()[:, 0]
    if len(index) <= KEPT:
        return index
    structure = patches.values[index].square().mean((1, 2, 3))
    groups = patches.mean[index].mean(1).argsort().tensor_split(BRIGHTNESS_GROUPS)
    quota = KEPT // BRIGHTNESS_GROUPS
    flat = [group[structure[group].topk(min(len(group), quota), largest=False).indices] for group in groups]
    return index[torch.cat(flat)]

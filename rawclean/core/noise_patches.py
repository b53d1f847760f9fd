"""Small pieces of a photo to measure its noise in: spread over the brightness, flat ones first, none clipped.

Each plane of a piece is scaled by a rough measure of its own noise (a high-pass filter that image structure hardly
passes, Immerkaer 1996, in its quieter blocks), so that what judges it needs no idea of how strong noise is.
"""

from dataclasses import dataclass

import numpy as np

from rawclean.core.block_means import block_means

HIGH_PASS = (1.0, -2.0, 1.0)
"""Along rows and columns, over six: keeps the variance of white noise, and is zero on what is linear in either."""
PLANES = 4
"""Of a piece."""
LOG_SD = (-4.0, 1.5)
"""Range of the logarithm of the standard deviation that a meter may state of its answer."""
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

    values: np.ndarray
    """(N, 4, side, side), each plane less its mean and divided by its scale."""
    mean: np.ndarray
    """(N, 4) signal."""
    scale: np.ndarray
    """(N, 4) rough standard deviation of the noise."""

    def __getitem__(self, index: np.ndarray) -> "NoisePatches":
        return NoisePatches(self.values[index], self.mean[index], self.scale[index])


def cut_patches(planes: np.ndarray, floor: float, ceiling: np.ndarray) -> NoisePatches:
    """Choose pieces of `planes` (4, H, W), linear, that lose no noise at `floor` or at `ceiling` (4,)."""
    pieces = _candidates(planes)
    clipped = (pieces >= ceiling[:, None, None]) | (pieces <= floor)
    usable = clipped.mean((2, 3)).max(1) <= CLIPPED_SHARE
    pieces, clipped = pieces[usable], clipped[usable]
    mean = pieces.mean((2, 3), keepdims=True)
    patches = scaled(np.where(clipped, mean, pieces))
    return patches[_spread_choice(patches)]


def scaled(pieces: np.ndarray) -> NoisePatches:
    """Pieces (N, 4, side, side), linear, as a meter sees them."""
    mean = pieces.mean((2, 3), keepdims=True)
    centred = pieces - mean
    scale = _rough_noise(centred)
    values = centred / scale.clip(min=LEAST_SCALE)[..., None, None]
    return NoisePatches(values, mean[..., 0, 0], scale)


def _candidates(planes: np.ndarray) -> np.ndarray:
    """Evenly spread pieces (N, 4, side, side)."""
    side = min(SIDE, *planes.shape[1:])
    rows, columns = (length // side for length in planes.shape[1:])
    step = max(1.0, (rows * columns / CANDIDATES) ** 0.5)
    tops, lefts = (
        [side * int(step * index) for index in range(int((count - 1) // step) + 1)] for count in (rows, columns)
    )
    return np.stack([planes[:, top : top + side, left : left + side] for top in tops for left in lefts])


def _rough_noise(centred: np.ndarray) -> np.ndarray:
    """Standard deviation (N, 4) of the noise in the quieter blocks of pieces."""
    count, planes, side, _ = centred.shape
    if not count:
        return np.empty((0, planes), np.float32)
    before, middle, after = HIGH_PASS
    rows = before * centred[..., :-2, :] + middle * centred[..., 1:-1, :] + after * centred[..., 2:, :]
    filtered = (before * rows[..., :-2] + middle * rows[..., 1:-1] + after * rows[..., 2:]) / 6
    blocks = block_means(np.square(filtered), min(BLOCK, side - 2))
    return np.sqrt(np.quantile(blocks.reshape(count, planes, -1), QUIET, axis=2)).astype(np.float32)


def _spread_choice(patches: NoisePatches) -> np.ndarray:
    """Indices of at most KEPT pieces that have noise: of every group of equal brightness and size the flattest."""
    (index,) = (patches.scale.min(1) > LEAST_SCALE).nonzero()
    if len(index) <= KEPT:
        return index
    structure = np.square(patches.values[index]).mean((1, 2, 3))
    groups = np.array_split(patches.mean[index].mean(1).argsort(), BRIGHTNESS_GROUPS)
    quota = KEPT // BRIGHTNESS_GROUPS
    flat = [group[structure[group].argsort()[:quota]] for group in groups]
    return index[np.concatenate(flat)]

"""What two or more shots of one still scene say about their noise, block by block.

Of a block of one plane the shots have one mean and, about it, a variance over time: structure of the scene is the same
in all shots and does not count. Light changes from shot to shot, also over the picture (lamps flicker), so each block
of each shot has a gain and an offset of its own, whose two degrees of freedom the variance allows for. A block of
which something moved shows in planes that share neither row nor column: their noise is independent, structure is not.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rawclean.core.block_means import block_means
from rawclean.core.three_by_three import around

BLOCK = 16
"""Side of a block in samples of a plane."""
SAMPLES = BLOCK * BLOCK
FITTED = 2
"""Gain and offset of a block in one shot."""
APART = ((1, 2), (0, 3))
"""Planes that share no row and no column of a Bayer mosaic, so that row noise does not make them alike."""
BAND = 8
"""Rows of blocks that are looked at together, to bound the memory."""
TINY = np.finfo(np.float32).tiny
"""Divides zero safely."""
NEAR_CLIP = 0.98
"""Share of the clip level above which a sample may have lost noise."""


@dataclass(frozen=True, slots=True)
class ShotBlocks:
    """The blocks of N shots; fields are (P, rows, columns)."""

    mean: np.ndarray
    """Signal, over the shots."""
    variance: np.ndarray
    """Of one shot, over time."""
    least: np.ndarray
    """Of all samples of all shots."""
    greatest: np.ndarray
    """As `least`."""
    freedom: int
    """Degrees of freedom of a variance."""

    def whole(self, floor: float, ceiling: np.ndarray) -> np.ndarray:
        """Bool: no sample is at `floor` or below, or at `ceiling` (P, 1, 1) or above."""
        return (self.least > floor) & (self.greatest < ceiling)


@dataclass(frozen=True, slots=True)
class Unrest:
    """What tells movement and faults from noise, of the deviations in units of the noise that is expected."""

    peak: np.ndarray
    """(P, rows, columns): the largest."""
    alike: np.ndarray
    """(rows, columns): largest correlation, of either sign, of two planes that share neither row nor column."""
    shared: np.ndarray
    """(rows, columns): mean correlation of these planes."""
    neighbours: np.ndarray
    """(P, rows, columns): correlation of a deviation with that to its right."""


def light_gains(shots: Sequence[np.ndarray], floor: float) -> np.ndarray:
    """Brightness (N,) of each of the shots (P, H, W) over their mean, by the median of the blocks that are not dark."""
    means = means_of_blocks(shots)
    reference = means.mean(0)
    usable = (reference > max(floor, 0.0)) & (reference < NEAR_CLIP) & (reference > 0.1 * reference.max())
    if not usable.any():
        return np.ones(len(shots), np.float32)
    gains = np.median(means[:, usable] / reference[usable], axis=1)
    return gains / gains.mean()


def means_of_blocks(shots: Sequence[np.ndarray]) -> np.ndarray:
    """Means of the blocks of N shots (P, H, W): (N, P, rows, columns)."""
    return np.stack([block_means(shot, BLOCK) for shot in shots])


def block_noise(shot: np.ndarray) -> float:
    """What noise makes the means of the blocks of a shot (P, H, W) vary by, at most: texture counts, too."""
    variance = block_means(np.square(shot), BLOCK) - np.square(block_means(shot, BLOCK))
    return math.sqrt(float(np.median(variance.clip(min=0)))) / BLOCK


def measure_blocks(shots: Sequence[np.ndarray], gains: np.ndarray) -> ShotBlocks:
    """Mean and variance of all blocks of N shots (P, H, W)."""
    freedom = (len(shots) - 1) * (SAMPLES - FITTED)
    parts = []
    for blocks in _bands(shots):
        mean, error = _deviations(blocks, gains)
        variance = np.square(error).sum((0, -1)) / freedom
        parts.append((mean.mean(-1), variance, blocks.min((0, -1)), blocks.max((0, -1))))
    means, variances, least, greatest = (np.concatenate(pieces, axis=-2) for pieces in zip(*parts, strict=True))
    return ShotBlocks(means, variances, least, greatest, freedom)


def measure_unrest(shots: Sequence[np.ndarray], gains: np.ndarray, line: tuple[float, float]) -> Unrest:
    """Look for what is no noise in the blocks of N shots (P, H, W) whose noise has about this shot and read."""
    parts = []
    for blocks in _bands(shots):
        mean, error = _deviations(blocks, gains)
        signal = _means_around(mean.reshape(*mean.shape[:-1], BLOCK, BLOCK)).reshape(mean.shape)
        shot, read = line
        error = error / np.sqrt(shot * signal.clip(min=0) + read)
        apart = np.stack([_correlation(error[:, one], error[:, other]) for one, other in APART])
        square = error.reshape(*error.shape[:-1], BLOCK, BLOCK)
        products = (square[..., 1:] * square[..., :-1]).mean((0, -1, -2))
        neighbours = products / np.square(error).mean((0, -1)).clip(min=TINY)
        peak = np.abs(error).max((0, -1)) / math.sqrt(1 - 1 / len(shots))
        parts.append((peak, np.abs(apart).max(0), apart.mean(0), neighbours))
    peaks, alike, shared, beside = (np.concatenate(pieces, axis=-2) for pieces in zip(*parts, strict=True))
    return Unrest(peaks, alike, shared, beside)


def _bands(shots: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """The blocks of the shots, (N, P, rows, columns, SAMPLES), a few rows at a time."""
    planes, height, width = shots[0].shape
    rows, columns = height // BLOCK, width // BLOCK
    for top in range(0, rows, BAND):
        count = min(BAND, rows - top)
        cut = [shot[:, top * BLOCK : (top + count) * BLOCK, : columns * BLOCK] for shot in shots]
        split = np.stack(cut).reshape(len(shots), planes, count, BLOCK, columns, BLOCK)
        yield split.swapaxes(3, 4).reshape(len(shots), planes, count, columns, SAMPLES)


def _deviations(blocks: np.ndarray, gains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (..., SAMPLES) of blocks (N, ..., SAMPLES), and what each deviates from its best gain and offset of it."""
    mean = blocks.mean(0)
    error = blocks - gains.reshape(-1, 1, 1, 1, 1) * mean
    centred = mean - mean.mean(-1, keepdims=True)
    error = error - error.mean(-1, keepdims=True)
    slope = (error * centred).sum(-1, keepdims=True) / np.square(centred).sum(-1, keepdims=True).clip(min=1e-20)
    return mean, error - slope * centred


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation over shots and samples of two planes (N, rows, columns, SAMPLES)."""
    energy = np.square(one).sum((0, -1)) * np.square(other).sum((0, -1))
    return (one * other).sum((0, -1)) / np.sqrt(energy).clip(min=TINY)


def _means_around(images: np.ndarray) -> np.ndarray:
    """Mean of the 3x3 samples around each of (..., H, W); beyond the border there is nothing to count."""
    counted = np.ones(images.shape[-2:], images.dtype)
    means: np.ndarray = np.add.reduce(around(images, beyond=0)) / np.add.reduce(around(counted, beyond=0))
    return means

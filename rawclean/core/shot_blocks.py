"""What two or more shots of one still scene say about their noise, block by block.

Of a block of one plane the shots have one mean and, about it, a variance over time: structure of the scene is the same
in all shots and does not count. Light changes from shot to shot, also over the picture (lamps flicker), so each block
of each shot has a gain and an offset of its own, whose two degrees of freedom the variance allows for. A block of
which something moved shows in planes that share neither row nor column: their noise is independent, structure is not.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 16
"""Side of a block in samples of a plane."""
SAMPLES = BLOCK * BLOCK
FITTED = 2
"""Gain and offset of a block in one shot."""
APART = ((1, 2), (0, 3))
"""Planes that share no row and no column of a Bayer mosaic, so that row noise does not make them alike."""
BAND = 8
"""Rows of blocks that are looked at together, to bound the memory."""
NEAR_CLIP = 0.98
"""Share of the clip level above which a sample may have lost noise."""


@dataclass(frozen=True, slots=True)
class ShotBlocks:
    """The blocks of N shots; fields are (P, rows, columns)."""

    mean: Tensor
    """Signal, over the shots."""
    variance: Tensor
    """Of one shot, over time."""
    least: Tensor
    """Of all samples of all shots."""
    greatest: Tensor
    """As `least`."""
    freedom: int
    """Degrees of freedom of a variance."""

    def whole(self, floor: float, ceiling: Tensor) -> Tensor:
        """Bool: no sample is at `floor` or below, or at `ceiling` (P, 1, 1) or above."""
        return (self.least > floor) & (self.greatest < ceiling)


@dataclass(frozen=True, slots=True)
class Unrest:
    """What tells movement and faults from noise, of the deviations in units of the noise that is expected."""

    peak: Tensor
    """(P, rows, columns): the largest."""
    alike: Tensor
    """(rows, columns): largest correlation, of either sign, of two planes that share neither row nor column."""
    shared: Tensor
    """(rows, columns): mean correlation of these planes."""
    neighbours: Tensor
    """(P, rows, columns): correlation of a deviation with that to its right."""


def light_gains(shots: Sequence[Tensor], floor: float) -> Tensor:
    """Brightness (N,) of each of the shots (P, H, W) over their mean, by the median of the blocks that are not dark."""
    means = block_means(shots)
    reference = means.mean(0)
    usable = (reference > max(floor, 0.0)) & (reference < NEAR_CLIP) & (reference > 0.1 * reference.amax())
    if not bool(usable.any()):
        return torch.ones(len(shots))
    gains = (means[:, usable] / reference[usable]).median(1).values
    return gains / gains.mean()


def block_means(shots: Sequence[Tensor]) -> Tensor:
    """Means of the blocks of N shots (P, H, W): (N, P, rows, columns)."""
    return torch.stack([functional.avg_pool2d(shot, BLOCK) for shot in shots])


def block_noise(shot: Tensor) -> float:
    """What noise makes the means of the blocks of a shot (P, H, W) vary by, at most: texture counts, too."""
    variance = functional.avg_pool2d(shot.square(), BLOCK) - functional.avg_pool2d(shot, BLOCK).square()
    return float(variance.clamp(min=0).median().sqrt()) / BLOCK


def measure_blocks(shots: Sequence[Tensor], gains: Tensor) -> ShotBlocks:
    """Mean and variance of all blocks of N shots (P, H, W)."""
    freedom = (len(shots) - 1) * (SAMPLES - FITTED)
    parts = []
    for blocks in _bands(shots):
        mean, error = _deviations(blocks, gains)
        variance = error.square().sum((0, -1)) / freedom
        parts.append((mean.mean(-1), variance, blocks.amin((0, -1)), blocks.amax((0, -1))))
    means, variances, least, greatest = (torch.cat(pieces, dim=-2) for pieces in zip(*parts, strict=True))
    return ShotBlocks(means, variances, least, greatest, freedom)


def measure_unrest(shots: Sequence[Tensor], gains: Tensor, line: tuple[float, float]) -> Unrest:
    """Look for what is no noise in the blocks of N shots (P, H, W) whose noise has about this shot and read."""
    parts = []
    for blocks in _bands(shots):
        mean, error = _deviations(blocks, gains)
        around = functional.avg_pool2d(mean.view(-1, 1, BLOCK, BLOCK), 3, 1, 1, count_include_pad=False)
        shot, read = line
        error = error / (shot * around.view_as(mean).clamp(min=0) + read).sqrt()
        apart = torch.stack([_correlation(error[:, one], error[:, other]) for one, other in APART])
        square = error.view(*error.shape[:-1], BLOCK, BLOCK)
        products = (square[..., 1:] * square[..., :-1]).mean((0, -1, -2))
        neighbours = products / error.square().mean((0, -1)).clamp(min=torch.finfo().tiny)
        peak = error.abs().amax((0, -1)) / math.sqrt(1 - 1 / len(shots))
        parts.append((peak, apart.abs().amax(0), apart.mean(0), neighbours))
    peaks, alike, shared, beside = (torch.cat(pieces, dim=-2) for pieces in zip(*parts, strict=True))
    return Unrest(peaks, alike, shared, beside)


def _bands(shots: Sequence[Tensor]) -> Iterator[Tensor]:
    """The blocks of the shots, (N, P, rows, columns, SAMPLES), a few rows at a time."""
    planes, height, width = shots[0].shape
    rows, columns = height // BLOCK, width // BLOCK
    for top in range(0, rows, BAND):
        count = min(BAND, rows - top)
        cut = [shot[:, top * BLOCK : (top + count) * BLOCK, : columns * BLOCK] for shot in shots]
        split = torch.stack(cut).view(len(shots), planes, count, BLOCK, columns, BLOCK)
        yield split.transpose(3, 4).flatten(-2)


def _deviations(blocks: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (..., SAMPLES) of blocks (N, ..., SAMPLES), and what each deviates from its best gain and offset of it."""
    mean = blocks.mean(0)
    error = blocks - gains.view(-1, 1, 1, 1, 1) * mean
    centred = mean - mean.mean(-1, keepdim=True)
    error = error - error.mean(-1, keepdim=True)
    slope = (error * centred).sum(-1, keepdim=True) / centred.square().sum(-1, keepdim=True).clamp(min=1e-20)
    return mean, error - slope * centred


def _correlation(one: Tensor, other: Tensor) -> Tensor:
    """Correlation over shots and samples of two planes (N, rows, columns, SAMPLES)."""
    energy = one.square().sum((0, -1)) * other.square().sum((0, -1))
    return (one * other).sum((0, -1)) / energy.sqrt().clamp(min=torch.finfo().tiny)

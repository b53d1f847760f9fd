"""Blind noise estimation: the line Var(x) = shot * x + read through the flattest blocks of a photo.

A high-pass filter that image structure hardly passes (Immerkaer 1996) gives a variance per block of each plane. Noise
is independent between the planes and between blocks, texture is not: a block counts as flat where the *other* planes
and its neighbours are quiet, so that choosing quiet blocks does not bias the variance measured in them (compare the
selection of Liu et al. 2013). The line leans on the lower points, for what texture remains only adds variance.
"""

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.noise import MAX_VARIANCE, NoiseModel
from rawclean.errors import InvalidNoiseError

HIGH_PASS = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]) / 6
"""Keeps the variance of white noise; zero on every plane that is linear in row or column."""

BLOCK = 4
FLATTEST = 0.03
"""Share of the blocks of one brightness that is measured."""
LEAST_BLOCKS = 8
BRIGHTNESS_BINS = 12
NEAR_CLIP = 0.98
"""Share of the clip level above which a sample may have lost noise."""
BAND = 64
"""Rows of planes that are looked at together."""
MAX_SAMPLES = 1_000_000
"""Samples per plane beyond which further bands are skipped; the estimate no longer gains."""
ROUNDS = 4
LEAN = 0.85
"""Points this many standard errors above the line weigh half."""
LEAST_VARIANCE = 1e-10
"""A sixth of the variance that 14-bit quantisation alone would give, (2^-14)^2 / 12 = 3e-10."""


def estimate_noise(planes: Tensor, floor: float) -> NoiseModel:
    """Estimate one shot and read noise for all of `planes` (4, H, W), linear, clipped at `floor` and at one.

    Raises InvalidNoiseError where too few blocks are free of clipped samples.
    """
    variance, mean = _block_statistics(planes, floor)
    if variance.shape[2] < 2 * LEAST_BLOCKS:
        raise InvalidNoiseError(
            "too little of the photo is neither black nor clipped to measure its noise; "
            "give it with --iso N or --noise SHOT,READ"
        )
    groups = [_brightness_groups(plane) for plane in mean]
    shot, read = 0.01, 0.0
    for _ in range(ROUNDS):
        shot, read = _fit_line(*_flat_points(variance, mean, groups, (shot, read)))
    return NoiseModel.uniform(min(shot, MAX_VARIANCE), min(read, MAX_VARIANCE))


def _block_statistics(planes: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """Variances (2, 4, N), of the blocks and of their surroundings, and means (4, N) of the blocks not clipped."""
    bands = _bands(planes)
    count, _, height, width = bands.shape
    filtered = functional.conv2d(bands.reshape(-1, 1, height, width), HIGH_PASS[None, None])
    variance = functional.avg_pool2d(filtered.square().view(count, 4, height - 2, width - 2), BLOCK)
    inner = bands[:, :, 1:-1, 1:-1]
    mean = functional.avg_pool2d(inner, BLOCK)
    highest = functional.max_pool2d(inner, BLOCK).amax(1)
    lowest = -functional.max_pool2d(-inner, BLOCK).amax(1)
    whole = (highest < NEAR_CLIP) & (lowest > floor)
    around = functional.avg_pool2d(variance, 3, stride=1, padding=1, count_include_pad=False)
    around = (9 * around - variance) / 8
    stacked = torch.stack([variance, around]).permute(0, 2, 1, 3, 4)
    return stacked[:, :, whole], mean.transpose(0, 1)[:, whole]


def _bands(planes: Tensor) -> Tensor:
    """Evenly spaced bands of rows (N, 4, rows, W)."""
    height, width = planes.shape[1:]
    rows = min(BAND, height)
    bands = planes[:, : height // rows * rows].reshape(4, -1, rows, width).transpose(0, 1)
    return bands[:: max(1, round(len(bands) * rows * width / MAX_SAMPLES))]


def _brightness_groups(mean: Tensor) -> tuple[Tensor, ...]:
    """Indices of the blocks of one plane, (N,) means, in groups of about equal brightness and equal size."""
    return mean.argsort().tensor_split(max(2, min(BRIGHTNESS_BINS, len(mean) // 64)))


def _flat_points(
    variance: Tensor, mean: Tensor, groups: list[tuple[Tensor, ...]], line: tuple[float, float]
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean signal, variance and block count of the flattest blocks, per plane and brightness; each (K,)."""
    shot, read = line
    relative = variance / (shot * mean.clamp(min=0) + read).clamp(min=LEAST_VARIANCE)
    own, around = relative
    others = (own.sum(0, keepdim=True) - own) / 3
    texture = others + around.mean(0)
    points = []
    for plane, plane_groups in enumerate(groups):
        for brightness in plane_groups:
            count = min(len(brightness), max(LEAST_BLOCKS, int(FLATTEST * len(brightness))))
            flat = brightness[texture[plane, brightness].topk(count, largest=False).indices]
            points.append((mean[plane, flat].mean(), variance[0, plane, flat].mean(), torch.tensor(float(count))))
    signal, level, counts = (torch.stack(values).double() for values in zip(*points, strict=True))
    return signal, level, counts


def _fit_line(signal: Tensor, variance: Tensor, counts: Tensor) -> tuple[float, float]:
    """Weighted line shot > 0, read >= 0 that leans on its lower points."""
    predicted = variance.clamp(min=LEAST_VARIANCE)
    relative_error = 2 / (BLOCK * counts.sqrt())
    shot = read = 0.0
    for _ in range(20):
        above = (variance / predicted - 1).clamp(min=0) / (LEAN * relative_error)
        weight = counts / predicted.square() / (1 + above.square())
        shot, read = _weighted_line(signal, variance, weight)
        predicted = (shot * signal + read).clamp(min=LEAST_VARIANCE)
    return shot, read


def _weighted_line(x: Tensor, y: Tensor, weight: Tensor) -> tuple[float, float]:
    """Least squares for y = shot * x + read with both kept physical."""
    total, mean_x, mean_y = weight.sum(), (weight * x).sum(), (weight * y).sum()
    mean_x, mean_y = mean_x / total, mean_y / total
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / (weight * (x - mean_x).square()).sum().clamp(min=1e-30)
    read = float(mean_y - slope * mean_x)
    if slope <= 0:
        return LEAST_VARIANCE, max(float(mean_y), 0.0)
    if read < 0:
        return max(float((weight * x * y).sum() / (weight * x * x).sum()), LEAST_VARIANCE), 0.0
    return float(slope), read

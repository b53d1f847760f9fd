"""The true clip level of each colour: where the photo itself ends, which may be below the file's white level.

Saturated areas are flat: the signal there is above the shadows, and yet it hardly varies, far less than its own noise
would. Where such areas are, nothing but them is as bright.
"""

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.noise import NoiseModel

BAND, MAX_SAMPLES = 64, 1_500_000
"""Rows of planes that are looked at together, and samples of a plane beyond which bands are skipped."""
LEAST_SIGNAL = 0.1
WINDOW = 3
TOO_QUIET = 0.4
"""Standard deviation of a window over that of its noise, below which it is no exposed area (of nine samples of noise,
one window in a thousand is as quiet)."""
LEAST_WINDOWS, LEAST_SHARE = 12, 0.3
"""Quiet windows that make a plateau, and their share of all windows as bright."""
BINS, NEIGHBOURHOOD = 2048, 4
PLATEAU_BINS, SURROUNDING_BINS, LEVEL_SHARE = 3, 24, 0.7
"""A plateau is level: this share of the quiet windows around it lies on it. A smooth sky is quiet, too, but slopes."""
ABOVE = 0.02
"""Share of a plateau's samples that may be brighter: hot sites, and the rims of specular points."""
MARGIN = 4.0
"""Standard deviations of the plateau's own noise below it from which on samples are saturated."""


def find_clip_levels(planes: Tensor, noise: NoiseModel) -> Tensor:
    """Signal at which each of `planes` (4, H, W), linear, is clipped: (4,), one where nothing tells a lower level.

    The two greens, planes 1 and 2, share a level.
    """
    bands = _bands(planes)
    levels = [_clip_level(bands[:, plane], noise) for plane in ([0], [1, 2], [3])]
    return torch.tensor([levels[0], levels[1], levels[1], levels[2]])


def _bands(planes: Tensor) -> Tensor:
    """Evenly spaced bands of rows (N, 4, rows, W)."""
    height, width = planes.shape[1:]
    rows = min(BAND, height)
    bands = planes[:, : height // rows * rows].reshape(len(planes), -1, rows, width).transpose(0, 1)
    return bands[:: max(1, round(len(bands) * rows * width / MAX_SAMPLES))]


def _clip_level(bands: Tensor, noise: NoiseModel) -> float:
    """The level of bands (N, planes, rows, W) of one colour."""
    mean, sd = _window_statistics(bands.reshape(-1, 1, *bands.shape[2:]))
    expected = (float(noise.shot.mean()) * mean.clamp(min=0) + float(noise.read.mean())).sqrt()
    quiet = (sd < TOO_QUIET * expected) & (mean > LEAST_SIGNAL)
    centre = _highest_plateau(mean[quiet], mean)
    if centre is None:
        return 1.0
    distance = (mean - centre).abs() * BINS
    plateau = quiet & (distance < PLATEAU_BINS)
    if int(plateau.sum()) < LEVEL_SHARE * int((quiet & (distance < SURROUNDING_BINS)).sum()):
        return 1.0
    level, spread = float(mean[plateau].median()), float(sd[plateau].median())
    reach = MARGIN * spread + 1e-6
    saturated = int(((bands - level).abs() <= reach).sum())
    if level > 1 or int((bands > level + reach).sum()) > ABOVE * saturated:
        return 1.0
    return min(1.0, level - reach)


def _highest_plateau(quiet: Tensor, mean: Tensor) -> float | None:
    """The brightest signal at which a good part of all windows, (N,) `mean`, are `quiet` ones; None without one."""
    counts, all_counts = (
        functional.avg_pool1d(torch.histc(values, BINS, 0, 1)[None], 3, stride=1, padding=1)[0] * 3
        for values in (quiet, mean)
    )
    found = ((counts >= LEAST_WINDOWS) & (counts > LEAST_SHARE * all_counts)).nonzero()[:, 0]
    if not len(found):
        return None
    top = slice(max(0, int(found[-1]) - NEIGHBOURHOOD), int(found[-1]) + 1)
    return (top.start + int(counts[top].argmax()) + 0.5) / BINS


def _window_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of windows of (N, 1, H, W)."""
    mean = functional.avg_pool2d(images, WINDOW, stride=WINDOW)
    power = functional.avg_pool2d(images.square(), WINDOW, stride=WINDOW)
    side = WINDOW**2
    return mean, ((power - mean.square()).clamp(min=0) * side / (side - 1)).sqrt()

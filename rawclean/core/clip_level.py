"""The true clip level of each colour: where the photo itself ends, which may be below the file's white level.

Saturated areas are flat: the signal there is above the shadows, and yet it hardly varies, far less than its own noise
would. Where such areas are, nothing but them is as bright.
"""

import numpy as np

from rawclean.core.block_means import block_means
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


def find_clip_levels(planes: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """Signal at which each of `planes` (4, H, W), linear, is clipped: (4,), one where nothing tells a lower level.

    The two greens, planes 1 and 2, share a level.
    """
    bands = _bands(planes)
    levels = [_clip_level(bands[:, plane], noise) for plane in ([0], [1, 2], [3])]
    return np.array([levels[0], levels[1], levels[1], levels[2]], np.float32)


def _bands(planes: np.ndarray) -> np.ndarray:
    """Evenly spaced bands of rows (N, 4, rows, W)."""
    height, width = planes.shape[1:]
    rows = min(BAND, height)
    bands = planes[:, : height // rows * rows].reshape(len(planes), -1, rows, width).swapaxes(0, 1)
    return bands[:: max(1, round(len(bands) * rows * width / MAX_SAMPLES))]


def _clip_level(bands: np.ndarray, noise: NoiseModel) -> float:
    """The level of bands (N, planes, rows, W) of one colour."""
    mean, sd = _window_statistics(bands.reshape(-1, *bands.shape[2:]))
    expected = np.sqrt(float(noise.shot.mean()) * mean.clip(min=0) + float(noise.read.mean()))
    quiet = (sd < TOO_QUIET * expected) & (mean > LEAST_SIGNAL)
    centre = _highest_plateau(mean[quiet], mean)
    if centre is None:
        return 1.0
    distance = np.abs(mean - centre) * BINS
    plateau = quiet & (distance < PLATEAU_BINS)
    if int(plateau.sum()) < LEVEL_SHARE * int((quiet & (distance < SURROUNDING_BINS)).sum()):
        return 1.0
    level, spread = float(np.median(mean[plateau])), float(np.median(sd[plateau]))
    reach = MARGIN * spread + 1e-6
    saturated = int((np.abs(bands - level) <= reach).sum())
    if level > 1 or int((bands > level + reach).sum()) > ABOVE * saturated:
        return 1.0
    return min(1.0, level - reach)


def _highest_plateau(quiet: np.ndarray, mean: np.ndarray) -> float | None:
    """The brightest signal at which a good part of all windows, (N,) `mean`, are `quiet` ones; None without one."""
    counts, all_counts = (
        np.convolve(np.histogram(values, BINS, (0, 1))[0], np.ones(3), "same") for values in (quiet, mean)
    )
    (found,) = ((counts >= LEAST_WINDOWS) & (counts > LEAST_SHARE * all_counts)).nonzero()
    if not len(found):
        return None
    top = slice(max(0, int(found[-1]) - NEIGHBOURHOOD), int(found[-1]) + 1)
    return (top.start + int(counts[top].argmax()) + 0.5) / BINS


def _window_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of windows of (N, H, W)."""
    mean, power = (block_means(values, WINDOW) for values in (images, np.square(images)))
    side = WINDOW**2
    return mean, np.sqrt((power - np.square(mean)).clip(min=0) * np.float32(side / (side - 1)))

"""Where to look at a photo at 100 %: its detail, a smooth tone like skin, its shadows, where most noise is seen."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of sRGB codes (ITU-R BT.601)."""
DARK, BRIGHT = 12, 243
"""Codes beyond which there is nothing to judge."""
SKIN_RED_OVER_GREEN, SKIN_RED_OVER_BLUE = (1.05, 2.2), (1.15, 3.5)
"""Ratios of codes of skin, from pale to dark and in warm light, and of wood, sand and evening walls as well."""
FLAT = 12.0
"""Codes from pixel to pixel that are half of the way from smooth to detailed."""
SHADOW = 26.0
"""Code of a shadow that still shows something."""
STEPS = 8
"""Places that are tried along a side of the window."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A window's centre, as shares of height and width of a photo."""

    name: str
    row: float
    column: float


def find_spots(picture: np.ndarray, window: tuple[int, int], noise: np.ndarray) -> list[Spot]:
    """Up to five places of a developed `picture` (H, W, 3), uint8, whose windows (height, width) do not overlap.

    `noise` (H, W) says how much of it is seen where; the picture itself has little, reduced or denoised.
    """
    free = np.ones(picture.shape[:2], bool)
    spots = []
    for name, score in _scores(picture, noise):
        best = _best(score, window, free)
        if best is None:
            continue
        row, column = best
        spots.append(Spot(name, row / picture.shape[0], column / picture.shape[1]))
        top, left = max(row - window[0], 0), max(column - window[1], 0)
        free[top : row + window[0], left : column + window[1]] = False
    return spots


def _scores(picture: np.ndarray, noise: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """How good each pixel (H, W) is for what there is to see."""
    codes = picture.astype(np.float32)
    grey = codes @ LUMINANCE
    detail = _detail(grey)
    exposed = (grey > DARK) & (codes.max(axis=2) < BRIGHT)
    smooth = exposed / (1 + (detail / FLAT) ** 2)
    yield "detail", exposed * np.minimum(detail, 4 * FLAT)  # one hard edge is not what is looked for
    yield "smooth tone", smooth * (0.15 + _like_skin(codes))
    yield "shadow", smooth * np.exp(-(((grey - SHADOW) / 20) ** 2))
    yield "most noise", noise * smooth
    yield "more detail", exposed * np.minimum(detail, 4 * FLAT)


def _detail(grey: np.ndarray) -> np.ndarray:
    down, across = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = np.abs(grey[2:] - grey[:-2])
    across[:, 1:-1] = np.abs(grey[:, 2:] - grey[:, :-2])
    return np.maximum(down, across)


def _like_skin(codes: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(codes, -1, 0)
    over_green, over_blue = red / green.clip(min=1), red / blue.clip(min=1)
    low, high = SKIN_RED_OVER_GREEN
    lowest, highest = SKIN_RED_OVER_BLUE
    return (over_green > low) & (over_green < high) & (over_blue > lowest) & (over_blue < highest) & (green >= blue - 8)


def _best(score: np.ndarray, window: tuple[int, int], free: np.ndarray) -> tuple[int, int] | None:
    """Centre of the free window with the greatest sum of scores; None where none is free or all are zero."""
    height, width = (min(side, whole) for side, whole in zip(window, score.shape, strict=True))
    sums = np.zeros((score.shape[0] + 1, score.shape[1] + 1))
    sums[1:, 1:] = score.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    tops = np.arange(0, score.shape[0] - height + 1, max(1, height // STEPS))
    lefts = np.arange(0, score.shape[1] - width + 1, max(1, width // STEPS))
    below, right = tops[:, None] + height, lefts + width
    totals = sums[below, right] - sums[tops[:, None], right] - sums[below, lefts] + sums[tops[:, None], lefts]
    rows, columns = tops + height // 2, lefts + width // 2
    totals = np.where(free[rows[:, None], columns], totals, 0)
    at = np.unravel_index(int(totals.argmax()), totals.shape)
    return (int(rows[at[0]]), int(columns[at[1]])) if totals[at] > 0 else None

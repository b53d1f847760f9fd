"""Means of the square blocks of images."""

import numpy as np


def block_means(images: np.ndarray, side: int) -> np.ndarray:
    """Means of the blocks of `side` x `side` samples of (..., H, W); what is left over at the far ends is left out."""
    rows, columns = (length // side for length in images.shape[-2:])
    lines = images[..., 0 : rows * side : side, :].copy()  # rows first: they lie together in memory
    for row in range(1, side):
        lines += images[..., row : rows * side : side, :]
    total = lines[..., 0 : columns * side : side].copy()
    for column in range(1, side):
        total += lines[..., column : columns * side : side]
    total /= side**2
    return total

"""Means of the square blocks of images."""

import numpy as np


def block_means(images: np.ndarray, side: int) -> np.ndarray:
    """Means of the blocks of `side` x `side` samples of (..., H, W); what is left over at the far ends is left out."""
    rows, columns = (length // side for length in images.shape[-2:])
    total = np.zeros((*images.shape[:-2], rows, columns), images.dtype)
    for row in range(side):
        for column in range(side):
            total += images[..., row : rows * side : side, column : columns * side : side]
    total /= side**2
    return total

"""The samples at and around each sample of an image."""

import numpy as np


def around(images: np.ndarray, beyond: float) -> list[np.ndarray]:
    """The nine samples at and around each of (..., H, W), row by row, each as images of that shape.

    `beyond` is what lies outside of the border.
    """
    height, width = images.shape[-2:]
    margins = [(0, 0)] * (images.ndim - 2) + [(1, 1)] * 2
    padded = np.pad(images, margins, constant_values=beyond)
    return [padded[..., row : row + height, column : column + width] for row in range(3) for column in range(3)]

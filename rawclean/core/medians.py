"""The lower of the two middle values: of whole codes it is one of them, as the mean of the two need not be."""

import numpy as np


def lower_median(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Median of `values` along `axis`, which stays with length 1; without one of all of them, shape (1,)."""
    if axis is None:
        values, axis = values.reshape(-1), 0
    middle = (values.shape[axis] - 1) // 2
    return np.take(np.partition(values, middle, axis), [middle], axis)

"""Values between points that are known, evenly over the logarithm of what they depend on."""

import math
from bisect import bisect_right
from collections.abc import Sequence


def between(points: Sequence[tuple[float, float]], at: float) -> float:
    """The value at `at`, given (place, value) by rising place, at least one; beyond the ends theirs."""
    index = bisect_right([place for place, _ in points], at)
    if index in (0, len(points)) or at <= 0:
        return points[min(index, len(points) - 1)][1]
    (low, first), (high, second) = points[index - 1], points[index]
    return first + math.log(at / low) / math.log(high / low) * (second - first)

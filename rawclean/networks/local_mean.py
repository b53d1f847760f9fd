"""Mean of the samples around each sample.

Sums of shifted copies: eight times faster than `avg_pool2d` at stride 1 on a CPU (2 ms against 18 ms for four planes
of 736x736), and not lowered to half precision by autocast, as a convolution would be.
"""

from torch import Tensor
from torch.nn import functional


def local_mean(planes: Tensor, side: int) -> Tensor:
    """Mean over windows of `side` x `side` (odd) in (B, C, H, W); beyond the border there is nothing to count."""
    height, width = planes.shape[-2:]
    sums = _window_sums(_window_sums(planes, side, -1), side, -2)
    rows, columns = (_window_sums(planes.new_ones(length), side, -1) for length in (height, width))
    return sums / (rows[:, None] * columns)


def _window_sums(values: Tensor, side: int, axis: int) -> Tensor:
    """Sum of the `side` values around each along `axis`."""
    length = values.shape[axis]
    margin = [side // 2] * 2 if axis == -1 else [0, 0, side // 2, side // 2]
    padded = functional.pad(values, margin)
    total = padded.narrow(axis, 0, length).clone()
    for start in range(1, side):
        total.add_(padded.narrow(axis, start, length))
    return total

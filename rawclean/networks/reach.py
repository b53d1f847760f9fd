"""How far a network's output looks, followed exactly from scale to scale.

A path is what lies between input and output, in the network's order: the samples that a convolution reaches to a side,
and the changes of scale, which are 2x2 to one and one to 2x2.
"""

from collections.abc import Sequence
from enum import Enum


class Resampling(Enum):
    """A change of scale."""

    HALVE = "halve"
    DOUBLE = "double"


Step = int | Resampling
Path = Sequence[Step]


def blocks_fit(blocks: Sequence[int], widths: Sequence[int]) -> bool:
    """Whether there can be so many blocks on the scales of a U-Net."""
    return len(blocks) == len(widths) and min(blocks, default=0) >= 0


def unet_path(encoder: Sequence[int], decoder: Sequence[int]) -> list[Step]:
    """Down an encoder and up a decoder, whose reach at every scale is given, finest first."""
    path: list[Step] = [encoder[0]]
    for reached in encoder[1:]:
        path += [Resampling.HALVE, reached]
    path.append(decoder[-1])
    for reached in reversed(decoder[:-1]):
        path += [Resampling.DOUBLE, reached]
    return path


def farthest(path: Path, period: int) -> int:
    """Farthest input sample of any output sample, wherever that lies relative to the grid of the coarsest scale.

    The grid repeats after `period` samples.
    """
    seen = [(start, *_seen(start, path)) for start in range(period)]
    return max(max(start - low, high - start) for start, low, high in seen)


def halo(path: Path, period: int) -> int:
    """Farthest input sample beyond a tile, whose sides lie on the grid of the coarsest scale, that it depends on.

    Less than the farthest of all: where the output looks farthest to one side, it lies that far inside the tile.
    """
    seen = [_seen(start, path) for start in range(period)]
    return max(max(-low, high - (period - 1)) for low, high in seen)


def _seen(start: int, path: Path) -> tuple[int, int]:
    """The first and the last input sample of the output at `start`."""
    low = high = start
    for step in reversed(path):
        if step is Resampling.DOUBLE:
            low, high = low // 2, high // 2
        elif step is Resampling.HALVE:
            low, high = 2 * low, 2 * high + 1
        else:
            assert isinstance(step, int)
            low, high = low - step, high + step
    return low, high

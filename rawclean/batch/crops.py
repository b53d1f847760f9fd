"""Before and after at 100 %: the piece of a photo where most was taken away that the eye can see."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawclean.batch import storage
from rawclean.io.pictures import jpeg_bytes
from rawclean.io.render import picture_of

HEIGHT, WIDTH = 360, 540
_STEP = 60
"""Pixels between the places that are looked at."""


@dataclass(frozen=True, slots=True)
class Crops:
    """Two JPEG files of one piece."""

    before: bytes
    after: bytes
    height: int
    width: int


def noisiest_crops(source: str, output: str) -> Crops:
    """Develop a photo and its result, both by path or URL, and cut.

    Raises UnreadablePhotoError or another RawcleanError where one of them is gone or damaged.
    """
    with storage.source_at_hand(source) as noisy, storage.source_at_hand(output) as clean:
        before, after = picture_of(noisy), picture_of(clean)
    rows, columns = _noisiest_window(before, after)
    pieces = [np.ascontiguousarray(picture[rows, columns]) for picture in (before, after)]
    height, width = pieces[0].shape[:2]
    return Crops(jpeg_bytes(pieces[0]), jpeg_bytes(pieces[1]), height, width)


def _noisiest_window(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Where the mean absolute difference is largest."""
    height, width = min(HEIGHT, before.shape[0]), min(WIDTH, before.shape[1])
    change = np.abs(before.astype(np.int16) - after).sum(axis=2)
    sums = np.zeros((change.shape[0] + 1, change.shape[1] + 1))
    sums[1:, 1:] = change.cumsum(axis=0).cumsum(axis=1)
    tops = range(0, change.shape[0] - height + 1, _STEP)
    lefts = range(0, change.shape[1] - width + 1, _STEP)

    def total(place: tuple[int, int]) -> float:
        top, left = place
        bottom, right = top + height, left + width
        return float(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left])

    top, left = max(((top, left) for top in tops for left in lefts), key=total)
    return slice(top, top + height), slice(left, left + width)

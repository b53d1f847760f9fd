"""Before and after at 100 %: pieces of a photo where a photographer would look."""

from dataclasses import dataclass

import numpy as np

from rawclean.batch import storage
from rawclean.core.places import Place, PlaceKind, find_places
from rawclean.errors import UnreadablePhotoError
from rawclean.io.pictures import jpeg_bytes
from rawclean.io.render import picture_of

SIDE, LEAST_SIDE = 352, 96
"""Pixels of a piece, where the photo is large enough: three lie side by side on the page."""
SHARE = 3
"""Part of the photo's side that a piece is at most, so that three find room wherever the first lies."""
PIECES = 3
ORDER = (PlaceKind.TONE, PlaceKind.DETAIL, PlaceKind.NOISE, PlaceKind.SHADOW)
"""By what is looked at first; the last fills in where a photo has none of another."""


@dataclass(frozen=True, slots=True)
class Crop:
    """Two JPEG files of one piece."""

    place: Place
    before: bytes
    after: bytes


def crops_of(source: str, output: str) -> list[Crop]:
    """Develop a photo and its result, both by path or URL, and cut.

    Raises UnreadablePhotoError or another RawcleanError where one of them is gone or damaged.
    """
    with storage.source_at_hand(source) as noisy, storage.source_at_hand(output) as clean:
        before, after = picture_of(noisy), picture_of(clean)
    if before.shape != after.shape:
        raise UnreadablePhotoError(f"{output}: is not of the size of {source}; denoise that again with --force")
    window = _piece_side(after.shape[0]), _piece_side(after.shape[1])
    places = find_places(after, window, before, ORDER)[:PIECES]
    return [Crop(place, *(_cut(picture, place) for picture in (before, after))) for place in places]


def _piece_side(length: int) -> int:
    return min(SIDE, length, max(LEAST_SIDE, length // SHARE))


def _cut(picture: np.ndarray, place: Place) -> bytes:
    return jpeg_bytes(np.ascontiguousarray(picture[place.slices]))

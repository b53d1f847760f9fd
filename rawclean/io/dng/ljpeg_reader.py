"""Lossless JPEG tiles, decoded by imagecodecs and proven whole (ITU-T T.81 annex H).

No decoder says where it stopped. But the samples tell how many bits their code takes: a decoder that lost its way, or
ran out of data, has made other samples than those that were coded, and their code has another length.
"""

from collections.abc import Callable, Mapping
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from rawclean.errors import UnreadablePhotoError
from rawclean.io.dng.jpeg_markers import LOSSLESS, Jpeg, read_markers
from rawclean.io.dng.ljpeg import CATEGORY

MOST_PADDING = 15
"""Bits after the code: up to seven fill its last byte, and an encoder may flush one more."""
_CATEGORIES = 17
_Integers = NDArray[np.int32]
_PREDICTORS: dict[int, Callable[[_Integers, _Integers, _Integers], _Integers]] = {
    2: lambda left, above, corner: above,
    3: lambda left, above, corner: corner,
    4: lambda left, above, corner: left + above - corner,
    5: lambda left, above, corner: left + ((above - corner) >> 1),
    6: lambda left, above, corner: above + ((left - corner) >> 1),
    7: lambda left, above, corner: (left + above) >> 1,
}
"""From the neighbours to the left, above and above left, by the scan's selection; 1 is the left one alone."""
_END = b"\xff\xd9"


def we_decode(header: Jpeg) -> bool:
    """Whether the stream is of the kind that all cameras write: lossless, in one scan, without restarts."""
    return header.process == LOSSLESS and not header.restart_interval and not header.shift


def decode_lossless(data: bytes) -> NDArray[Any]:
    """The samples of a stream in coding order (N,); raises UnreadablePhotoError where they are not those coded."""
    header = read_markers(data)
    start, end = header.scan
    if not we_decode(header) or header.samples > 8 * (end - start) or len(header.tables) != header.components:
        raise _damaged()
    try:
        decoded = imagecodecs.jpegsof3_decode(data[:end] + _END)
    except (imagecodecs.Jpegsof3Error, ValueError, RuntimeError, MemoryError) as error:
        raise _damaged() from error
    if decoded.size != header.samples:
        raise _damaged()
    samples = decoded.reshape(header.height, header.width, header.components)
    if int(samples.max()) >> header.precision:
        raise _damaged()
    left = 8 * (end - start - data.count(b"\xff\x00", start, end)) - _code_bits(samples, header)
    if not 0 <= left <= MOST_PADDING:
        raise _damaged()
    return samples.reshape(-1)


def _code_bits(samples: NDArray[Any], header: Jpeg) -> int:
    """Bits that the code of `samples` (H, W, components) takes with the stream's tables."""
    bits = 0
    for index, table in enumerate(header.tables):
        values = samples[..., index].astype(np.uint16)
        difference = values - _predicted(values, header.selection, 1 << (header.precision - 1))
        bits_of_difference = _bits_of(header.code_lengths.get(table, {})).take(CATEGORY)
        bits += int(bits_of_difference.take(difference).sum(dtype=np.int64))
    return bits


def _predicted(values: NDArray[np.uint16], selection: int, middle: int) -> NDArray[np.uint16]:
    """Prediction of each value (H, W), modulo 2^16, from left, above and above left."""
    predicted = np.empty_like(values)
    predicted[0, 0] = middle
    predicted[0, 1:] = values[0, :-1]
    predicted[1:, 0] = values[:-1, 0]
    left, above, corner = values[1:, :-1], values[:-1, 1:], values[:-1, :-1]
    if selection == 1:
        predicted[1:, 1:] = left
        return predicted
    if selection not in _PREDICTORS:
        raise _damaged()
    predicted[1:, 1:] = _PREDICTORS[selection](*(part.astype(np.int32) for part in (left, above, corner)))
    return predicted


def _bits_of(lengths: Mapping[int, int]) -> NDArray[np.uint8]:
    """Bits of code and value for each category of differences; 255 for one that has no code."""
    bits = np.full(_CATEGORIES, 255, dtype=np.uint8)
    for category, length in lengths.items():
        if category < _CATEGORIES:
            bits[category] = length + category % 16  # the one value of category 16 needs no more bits
    return bits


def _damaged() -> UnreadablePhotoError:
    return UnreadablePhotoError("a tile of its raw image cannot be decoded to its end; copy it from the card again")

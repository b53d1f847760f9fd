"""One strip or tile of a DNG to samples: a decoder per `Compression`, each of which must reach the end of its data.

imagecodecs and zlib decode; what they are given and what they return is checked, because they pass over data that end
too early.
"""

import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from rawclean.errors import UnreadablePhotoError, UnsupportedSensorError
from rawclean.io.dng.ljpeg_reader import decode_lossless
from rawclean.io.dng.segments import Segment, StoredImage
from rawclean.io.tiff import tags

Samples = NDArray[Any]
INTEGER_PREDICTORS = {2: 1, 34892: 2, 34893: 4}
FLOAT_PREDICTORS = {3: 1, 34894: 2, 34895: 4}
"""By the tag: how many pixels apart the differences are."""


def decode_segment(block: bytes, segment: Segment, image: StoredImage) -> Samples:
    """The samples (rows, columns, colours) of `segment`, whose bytes are `block`; rows below the image may lack.

    Raises UnreadablePhotoError where they are not all there, UnsupportedSensorError for an unknown kind of number.
    """
    shape = (segment.rows, segment.columns, image.colours)
    samples = _DECODERS[image.compression](block, shape, image)
    line = segment.columns * image.colours
    least, most = image.rows_of(segment)
    if samples.size % line or not least <= samples.size // line <= most:
        raise _damaged("has another size than its tags say")
    return samples.reshape(-1, segment.columns, image.colours)


def sample_type(image: StoredImage) -> np.dtype[Any]:
    """Of the decoded samples, in the byte order of the machine; raises UnsupportedSensorError."""
    if image.floating and image.bits in (16, 24, 32):
        return np.dtype(np.float16 if image.bits == 16 else np.float32)
    if not image.floating and image.bits <= 32:
        return np.dtype(np.uint8 if image.bits <= 8 else np.uint16 if image.bits <= 16 else np.uint32)
    raise UnsupportedSensorError(f"samples of {image.bits} bits; this is not supported yet")


def _plain(block: bytes, shape: tuple[int, ...], image: StoredImage) -> Samples:
    line = shape[1] * shape[2]
    block = block[: shape[0] * -(-line * image.bits // 8)]
    kind = sample_type(image)
    if image.bits == 8 * kind.itemsize:
        return np.frombuffer(block, kind.newbyteorder(image.order)).astype(kind, copy=False)
    if image.floating:
        return np.asarray(imagecodecs.float24_decode(block, byteorder=image.order))
    return np.asarray(imagecodecs.packints_decode(block, kind, image.bits, runlen=line))


def _deflated(block: bytes, shape: tuple[int, ...], image: StoredImage) -> Samples:
    size = shape[0] * -(-shape[1] * shape[2] * image.bits // 8)
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(block, size)
        if len(data) < size or (not stream.eof and stream.decompress(stream.unconsumed_tail, 1)) or not stream.eof:
            raise _damaged("has another size than its tags say")
    except zlib.error as error:
        raise _damaged("cannot be decompressed") from error
    if image.predictor == 1:
        return _plain(data, shape, image)
    distance = (FLOAT_PREDICTORS if image.floating else INTEGER_PREDICTORS).get(image.predictor)
    kind = sample_type(image)
    if distance is None or image.bits != 8 * kind.itemsize:
        raise UnsupportedSensorError(
            f"samples of {image.bits} bits with predictor {image.predictor}; is the file whole?"
        )
    if image.floating:
        return np.asarray(
            imagecodecs.floatpred_decode(np.frombuffer(data, kind).reshape(shape), axis=-2, dist=distance)
        )
    return _summed(_plain(data, shape, image).reshape(shape), distance)


def _summed(differences: Samples, distance: int) -> Samples:
    """Integers (H, W, C) from their differences so many pixels apart, modulo their range."""
    sums = np.empty_like(differences)
    for first in range(min(distance, differences.shape[1])):
        part = differences[:, first::distance]
        np.cumsum(part, axis=1, dtype=part.dtype, out=sums[:, first::distance])
    return sums


def _jpeg_xl(block: bytes, shape: tuple[int, ...], image: StoredImage) -> Samples:
    kind = sample_type(image)
    out = np.empty(shape[:2] if shape[2] == 1 else shape, kind)
    try:
        return np.asarray(imagecodecs.jpegxl_decode(block, out=out))
    except (imagecodecs.JpegxlError, ValueError, RuntimeError, MemoryError) as error:
        raise _damaged("cannot be decoded") from error


def _lossless_jpeg(block: bytes, _: tuple[int, ...], __: StoredImage) -> Samples:
    return decode_lossless(block)


_DECODERS: dict[int, Callable[[bytes, tuple[int, ...], StoredImage], Samples]] = {
    tags.COMPRESSION_NONE: _plain,
    tags.COMPRESSION_DEFLATE: _deflated,
    tags.COMPRESSION_JPEG: _lossless_jpeg,
    tags.COMPRESSION_JPEG_XL: _jpeg_xl,
}


def _damaged(what: str) -> UnreadablePhotoError:
    return UnreadablePhotoError(f"a part of its raw image {what}; copy the file from the card again")

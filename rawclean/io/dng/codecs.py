"""How a tile of a DNG is compressed, without loss: one codec per `Compression`, and one for floating point samples.

imagecodecs compresses JPEG XL and predicts floating point numbers; its lossless JPEG is larger than ours, and darktable
rejects it.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
from numpy.typing import NDArray

from rawclean.io.compression import Compression
from rawclean.io.dng import ljpeg
from rawclean.io.tiff import tags

Samples = NDArray[Any]
"""(H, W, samples per pixel), uint16 or float32."""

JXL_EFFORT = 3
FLOATING_POINT_PREDICTOR, FLOATING_POINT_PREDICTOR_X2 = 3, 34894
"""Predictor: from the pixel to the left, or from the one of the same colour in a mosaic."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One value of the Compression tag."""

    number: int
    encode: Callable[[Samples], bytes]
    predictor: Callable[[int], int] | None = None
    """The Predictor tag for a number of samples per pixel; None where the codec has none."""


def _lossless_jpeg(tile: Samples) -> bytes:
    """Even and odd columns of a mosaic are two components, so that each sample has a neighbour of its colour."""
    return ljpeg.encode_tile(tile.reshape(len(tile), -1, 2) if tile.shape[2] == 1 else tile)


def _jpeg_xl(tile: Samples) -> bytes:
    return bytes(
        imagecodecs.jpegxl_encode(tile if tile.shape[2] == 3 else tile[..., 0], lossless=True, effort=JXL_EFFORT)
    )


def _deflated_float(tile: Samples) -> bytes:
    distance = 2 if tile.shape[2] == 1 else 1
    values = tile[..., 0] if tile.shape[2] == 1 else tile
    predicted = imagecodecs.floatpred_encode(values, axis=-1 if distance == 2 else -2, dist=distance)
    return zlib.compress(predicted.tobytes(), level=6)


def _float_predictor(samples_per_pixel: int) -> int:
    return FLOATING_POINT_PREDICTOR_X2 if samples_per_pixel == 1 else FLOATING_POINT_PREDICTOR


CODECS = {
    Compression.LJPEG: Codec(tags.COMPRESSION_JPEG, _lossless_jpeg),
    Compression.JXL: Codec(tags.COMPRESSION_JPEG_XL, _jpeg_xl),
}
DEFLATE_FLOAT = Codec(tags.COMPRESSION_DEFLATE, _deflated_float, _float_predictor)

"""Rendered pictures as files: 16-bit PNG and TIFF, 8-bit JPEG previews.

imageio and Pillow write no 16-bit RGB PNG, imagecodecs is slower than zlib here and large: PNG's three chunks are
written directly (PNG specification, third edition).
"""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 90
_PNG_UP_FILTER = 2
_PNG_PERCEPTUAL = b"\0"


def png_blocks(pixels: NDArray[np.uint16]) -> Iterator[bytes]:
    """A PNG file of (H, W, 3) sRGB pixels."""
    height, width, _ = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    filtered = np.empty((height, rows.shape[1] + 1), dtype=np.uint8)
    filtered[:, 0] = _PNG_UP_FILTER
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    yield b"\x89PNG\r\n\x1a\n"
    yield from _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    yield from _png_chunk(b"sRGB", _PNG_PERCEPTUAL)
    yield from _png_chunk(b"IDAT", zlib.compress(filtered.tobytes(), level=1))
    yield from _png_chunk(b"IEND", b"")


def tiff_bytes(pixels: NDArray[np.uint16]) -> bytes:
    """A TIFF file of (H, W, 3) pixels, deflate-compressed."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="rgb", compression="zlib", predictor=True, metadata=None)
    return file.getvalue()


def jpeg_bytes(pixels: NDArray[np.uint8], size: tuple[int, int] | None = None, *, sharp_colours: bool = False) -> bytes:
    """A JPEG file of (H, W, 3) pixels, scaled to `size` (height, width) where one is given.

    `sharp_colours` keeps those of every pixel, which tell noise from blotches.
    """
    height, width = size or pixels.shape[:2]
    file = io.BytesIO()
    Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX, reducing_gap=2).save(
        file, "JPEG", quality=JPEG_QUALITY, subsampling=0 if sharp_colours else 2
    )
    return file.getvalue()


def _png_chunk(kind: bytes, data: bytes) -> Iterator[bytes]:
    yield struct.pack(">I", len(data)) + kind
    yield data
    yield struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))

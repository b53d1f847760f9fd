"""The digest that a DNG may carry of its raw image: NewRawImageDigest (DNG specification 1.7.1; Adobe's DNG SDK).

Of lossy JPEG it is the MD5 of the MD5s of all encoded tiles; of a mosaic that of its samples, 16 bits each, in blocks
of 256x256 by rows. It sees damage that decodes to as many samples as there were.
"""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from rawclean.io.dng.segments import stored_image
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata

BLOCK = 256
_BITS = range(9, 17)
"""Of samples that are digested as 16 bits."""
_LEFT_OUT = bytes(16)


def contradicts_digest(metadata: Metadata, raster: np.ndarray) -> bool:
    """Whether a DNG has a digest that is not that of its raw image, which decodes to `raster` (H, W).

    Where values are not the stored codes (a table, floating point), nothing can be said.
    """
    told = bytes(value & 0xFF for value in metadata.integers(tags.NEW_RAW_IMAGE_DIGEST))
    if len(told) != len(_LEFT_OUT) or told == _LEFT_OUT:
        return False
    if metadata.is_lossy:
        return _digest(_encoded(metadata)) != told
    image = stored_image(metadata)
    is_stored = not (image.floating or metadata.is_jpeg_xl or metadata.numbers(tags.LINEARIZATION_TABLE))
    return raster.ndim == 2 and image.bits in _BITS and is_stored and _digest(_blocks(raster)) != told


def _encoded(metadata: Metadata) -> Iterator[bytes]:
    assert metadata.tiff is not None
    for segment in stored_image(metadata).segments:
        yield metadata.tiff.data[segment.offset : segment.offset + segment.size]


def _blocks(raster: np.ndarray) -> Iterator[bytes]:
    codes = raster.astype("<u2")
    for top in range(0, codes.shape[0], BLOCK):
        for left in range(0, codes.shape[1], BLOCK):
            yield codes[top : top + BLOCK, left : left + BLOCK].tobytes()


def _digest(parts: Iterable[bytes]) -> bytes:
    digests = (hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    return hashlib.md5(b"".join(digests), usedforsecurity=False).digest()

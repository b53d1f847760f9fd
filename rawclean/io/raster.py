"""Samples of a DNG that LibRaw 0.22 cannot read, or reads wrongly; tifffile and imagecodecs decode them.

These are floating point samples, which LibRaw rounds to 15 bits, deflated integers, JPEG XL, and two lossless JPEG
tiles that fill the width between them, which it takes for the doubled lines of a cinema camera.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from torch import Tensor

from rawclean.errors import UnreadablePhotoError, UnsupportedSensorError
from rawclean.io import metadata as tags
from rawclean.io.metadata import Metadata
from rawclean.io.tiff import LONG, SHORT, Directory, TiffCanvas

MAX_SAMPLES = 1 << 30
"""More than any sensor has; a damaged size must not fill the memory."""
_SEARCHED = 4096
"""Bytes at the start of a JPEG in which its frame header lies."""
_LOSSLESS_FRAME = b"\xff\xc3"


def libraw_reads(facts: Metadata) -> bool:
    """Whether LibRaw's samples can be taken; facts of a file that is no DNG leave it no rival."""
    if not facts.is_dng:
        return True
    unread = facts.has_float_samples or facts.is_deflated or facts.is_jpeg_xl
    return not (unread or _fills_width_with_two_tiles(facts))


def read_raster(path: Path, facts: Metadata) -> Tensor:
    """All samples of a DNG, (H, W) or (3, H, W) float32, in the units of its levels.

    Raises UnreadablePhotoError where they cannot be decoded, UnsupportedSensorError for interleaved lines.
    """
    if any(factor != 1 for tag in tags.INTERLEAVE_FACTORS for factor in facts.integers(tag)):
        raise UnsupportedSensorError("DNG with interleaved rows or columns; this is not supported yet")
    samples = _linearised(_decoded(path, facts), facts)
    image = torch.from_numpy(samples.astype(np.float32))
    if not bool(torch.isfinite(image).all()):
        raise UnreadablePhotoError("some samples are not finite numbers; the file is damaged")
    return image.permute(2, 0, 1).contiguous() if image.ndim == 3 else image


def without_samples(facts: Metadata) -> bytearray:
    """The DNG with an empty image, which LibRaw can open to tell the rest; raises UnreadablePhotoError."""
    if facts.tiff is None or facts.raw is None:
        raise UnreadablePhotoError("not a DNG")
    tiff, canvas, first = facts.tiff, TiffCanvas(facts.tiff), facts.tiff.first()
    raw = canvas.write_directory(_emptied(facts.raw, canvas))
    if facts.raw.offset != first.offset:
        offsets = tiff.integers(first.entries[tags.SUB_IFDS])
        pages = [raw if offset == facts.raw.offset else offset for offset in offsets]
        raw = canvas.write_directory(first.with_entries([tiff.encode(tags.SUB_IFDS, LONG, pages)]))
    canvas.set_first(raw)
    return canvas.finish()


def _emptied(raw: Directory, canvas: TiffCanvas) -> Directory:
    """The directory with its image as one strip of zeros."""
    tiff = canvas.tiff
    sides = (tags.IMAGE_LENGTH, tags.IMAGE_WIDTH, tags.SAMPLES_PER_PIXEL)
    rows, columns, count = ((*tiff.integers(raw.entries.get(tag)), 1)[0] for tag in sides)
    if not 0 < rows * columns * count <= MAX_SAMPLES:
        raise UnreadablePhotoError(f"an image of {columns}x{rows}x{count} samples; the file is damaged")
    strip = bytes(2 * rows * columns * count)
    plain = [
        tiff.encode(tags.BITS_PER_SAMPLE, SHORT, [16] * count),
        tiff.encode(tags.COMPRESSION, SHORT, [tags.COMPRESSION_NONE]),
        tiff.encode(tags.STRIP_OFFSETS, LONG, [canvas.place(strip)]),
        tiff.encode(tags.ROWS_PER_STRIP, LONG, [rows]),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, [len(strip)]),
    ]
    return raw.with_entries(plain, (*tags.STORAGE_TAGS, tags.SAMPLE_FORMAT, tags.LINEARIZATION_TABLE))


def _decoded(path: Path, facts: Metadata) -> NDArray[Any]:
    assert facts.raw is not None
    try:
        with tifffile.TiffFile(path) as file:
            pages = [page for first in file.pages for page in (first, *(first.pages or ()))]
            (page,) = [page for page in pages if page.offset == facts.raw.offset]
            samples: NDArray[Any] = page.asarray()
    except (ValueError, TypeError, KeyError, IndexError, RuntimeError, struct.error, tifffile.TiffFileError) as error:
        raise UnreadablePhotoError(f"its raw image cannot be decoded ({error}); is the file whole?") from error
    return samples


def _linearised(samples: NDArray[Any], facts: Metadata) -> NDArray[Any]:
    table = np.array(facts.numbers(tags.LINEARIZATION_TABLE), dtype=np.float32)
    return table[np.minimum(samples, len(table) - 1)] if len(table) else samples


def _fills_width_with_two_tiles(facts: Metadata) -> bool:
    """Whether two lossless JPEG tiles of half the image's width each stand side by side."""
    width, tile = facts.integers(tags.IMAGE_WIDTH), facts.integers(tags.TILE_WIDTH)
    offsets = facts.integers(tags.TILE_OFFSETS)
    if facts.tiff is None or facts.integers(tags.COMPRESSION) != (tags.COMPRESSION_JPEG,) or not offsets:
        return False
    head = bytes(facts.tiff.data[offsets[0] : offsets[0] + _SEARCHED])
    frame = head.find(_LOSSLESS_FRAME)
    if len(tile) != 1 or (2 * tile[0],) != width or not 0 <= frame < len(head) - 10:
        return False
    columns, components = struct.unpack_from(">HB", head, frame + 7)
    return bool(columns * components == tile[0])

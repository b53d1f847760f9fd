"""A denoised mosaic as DNG: what both ways to write one share (DNG specification 1.7.1).

A DNG source is grafted: its values stay byte for byte and only what denoising changes is replaced (`graft`). For
any other RAW file a DNG is built from its metadata (`build`).
"""

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np

from rawclean.core.cores import on_all_cores
from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.levels import Levels
from rawclean.core.noise import NoiseModel
from rawclean.io.compression import Compression
from rawclean.io.dng.codecs import CODECS, DEFLATE_FLOAT, Samples
from rawclean.io.dng.stored import StoredSamples
from rawclean.io.preview import Preview
from rawclean.io.raw_photo import RawPhoto
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.structure import BYTE, DOUBLE, LONG, RATIONAL, SHORT, Entry, Tiff
from rawclean.io.xmp import mark_denoised
from rawclean.version import __version__

SOFTWARE = f"rawclean {__version__}"
DNG_VERSION, OLDEST_READER, JPEG_XL_VERSION = (1, 4, 0, 0), (1, 1, 0, 0), (1, 7, 0, 0)
PHOTOMETRIC_YCBCR = 6
MAIN_IMAGE, REDUCED_IMAGE = 0, 1
TILE_SIDE, TILE_MULTIPLE = 512, 16


@dataclass(frozen=True, slots=True)
class DenoisedPhoto:
    """What a writer needs."""

    raw: RawPhoto
    """With denoised samples."""
    residual: NoiseModel
    """Noise that is left; fields (4,)."""
    strength: float
    """Share of the noise that was taken away, for NoiseReductionApplied."""
    compression: Compression = Compression.LJPEG
    """Of the samples in a DNG."""
    bad_pixels_repaired: bool = True
    """Whether the sites that the source names as bad hold a signal now, so that no developer need repair them."""

    @property
    def frame(self) -> RawFrame:
        """The denoised samples, and what they mean."""
        return self.raw.frame

    def stored_as(self, compression: Compression) -> "DenoisedPhoto":
        """The same photo, to be stored in another way."""
        return dataclasses.replace(self, compression=compression)


def raw_entries(photo: DenoisedPhoto, stored: StoredSamples, canvas: TiffCanvas) -> list[Entry]:
    """Place the samples of `photo`; return the tags that describe them, their levels, and what noise is left."""
    tiff, layout = canvas.tiff, photo.frame.layout
    values = stored.values
    height, width, count = values.shape
    placed = _strip(values, canvas) if photo.compression is Compression.NONE else _tiles(values, photo, canvas)
    photometric = tags.PHOTOMETRIC_LINEAR if isinstance(layout, PlainLayout) else tags.PHOTOMETRIC_CFA
    return [
        tiff.encode(tags.NEW_SUBFILE_TYPE, LONG, [MAIN_IMAGE]),
        tiff.encode(tags.IMAGE_WIDTH, LONG, [width]),
        tiff.encode(tags.IMAGE_LENGTH, LONG, [height]),
        tiff.encode(tags.BITS_PER_SAMPLE, SHORT, [8 * values.itemsize] * count),
        tiff.encode(tags.PHOTOMETRIC, SHORT, [photometric]),
        tiff.encode(tags.SAMPLES_PER_PIXEL, SHORT, [count]),
        tiff.encode(tags.PLANAR_CONFIGURATION, SHORT, [1]),
        *placed,
        *([] if photo.frame.is_float else _level_entries(tiff, photo.frame.levels, stored.factor, count)),
        tiff.encode(tags.NOISE_REDUCTION_APPLIED, RATIONAL, [photo.strength]),
        noise_profile_entry(tiff, photo.residual, layout),
    ]


def _level_entries(tiff: Tiff, levels: Levels, factor: int, count: int) -> list[Entry]:
    """Black by position, as short as it can be said, and white for each of `count` samples of a pixel."""
    black = levels.black * factor
    if black.ndim == 2 and (black == black[0, 0]).all():
        black = black[:1, :1]
    values = np.moveaxis(black, 0, -1).ravel().tolist() if black.ndim == 3 else black.ravel().tolist()
    if len(values) < count:
        values = values * count
    whole = all(float(value).is_integer() for value in values)
    return [
        tiff.encode(tags.BLACK_LEVEL_REPEAT_DIM, SHORT, list(black.shape[-2:])),
        tiff.encode(tags.BLACK_LEVEL, LONG if whole else RATIONAL, values),
        tiff.encode(tags.WHITE_LEVEL, LONG, [round(levels.white * factor)] * count),
    ]


def _strip(values: Samples, canvas: TiffCanvas) -> list[Entry]:
    """One uncompressed strip."""
    tiff = canvas.tiff
    offset = canvas.place(values.astype(f"{tiff.order}{values.dtype.kind}{values.itemsize}").tobytes())
    return [
        tiff.encode(tags.COMPRESSION, SHORT, [tags.COMPRESSION_NONE]),
        tiff.encode(tags.STRIP_OFFSETS, LONG, [offset]),
        tiff.encode(tags.ROWS_PER_STRIP, LONG, [len(values)]),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, [values.nbytes]),
    ]


def _tiles(values: Samples, photo: DenoisedPhoto, canvas: TiffCanvas) -> list[Entry]:
    """Compressed tiles; those at the far borders are filled up with a mirror image."""
    tiff = canvas.tiff
    rows, columns, count = values.shape
    height, width = _tile_side(rows), _tile_side(columns)
    codec = DEFLATE_FLOAT if photo.frame.is_float else CODECS[photo.compression]

    def encode(corner: tuple[int, int]) -> bytes:
        top, left = corner
        piece = values[top : top + height, left : left + width]
        missing = height - len(piece), width - piece.shape[1]
        return codec.encode(np.pad(piece, (*((0, count) for count in missing), (0, 0)), "symmetric"))

    tiles = on_all_cores(encode, ((top, left) for top in range(0, rows, height) for left in range(0, columns, width)))
    return [
        tiff.encode(tags.COMPRESSION, SHORT, [codec.number]),
        *([tiff.encode(tags.PREDICTOR, SHORT, [codec.predictor(count)])] if codec.predictor else []),
        tiff.encode(tags.TILE_WIDTH, LONG, [width]),
        tiff.encode(tags.TILE_LENGTH, LONG, [height]),
        tiff.encode(tags.TILE_OFFSETS, LONG, [canvas.place(tile) for tile in tiles]),
        tiff.encode(tags.TILE_BYTE_COUNTS, LONG, [len(tile) for tile in tiles]),
    ]


def _tile_side(side: int) -> int:
    """Side of equal tiles of about TILE_SIDE that fit `side` with little to fill up; a multiple of 16, as TIFF asks.

    LibRaw 0.22 misreads a tile that is wider than the image, and two that are exactly as wide: there are one that fits
    exactly, or three and more.
    """
    count = -(-side // TILE_SIDE)
    if count == 2 or side % TILE_MULTIPLE:
        count = max(count, 3)
    return -(-side // (count * TILE_MULTIPLE)) * TILE_MULTIPLE


def noise_profile_entry(tiff: Tiff, noise: NoiseModel, layout: Layout) -> Entry:
    """NoiseProfile, one pair per colour; shot stays above zero, as the tag demands."""
    pairs = np.stack([noise.shot.clip(min=1e-12), noise.read], axis=1).astype(np.float64)
    colours = [pairs.mean(0)] if layout is PlainLayout.MONOCHROME else [pairs[0], pairs[1:3].mean(0), pairs[3]]
    return tiff.encode(tags.NOISE_PROFILE, DOUBLE, np.concatenate(colours).tolist())


def identity_entries(tiff: Tiff, photo: DenoisedPhoto, stored: StoredSamples, xmp: bytes | None) -> list[Entry]:
    """Tags of IFD0 that tell the new file from its source, whose XMP is given: program, digest of samples, marks."""
    packet = mark_denoised(xmp) if photo.strength > 0 else xmp
    digest = hashlib.sha256(stored.values.data).digest()[:16]
    return [
        tiff.encode_text(tags.SOFTWARE, SOFTWARE),
        tiff.encode(tags.RAW_DATA_UNIQUE_ID, BYTE, list(digest)),
        *([Entry(tags.XMP, BYTE, len(packet), packet)] if packet else []),
    ]


def version_entries(tiff: Tiff, compression: Compression) -> list[Entry]:
    """DNG version of IFD0, and the oldest that a reader must know: JPEG XL came with 1.7."""
    newer = compression is Compression.JXL
    return [
        tiff.encode(tags.DNG_VERSION, BYTE, JPEG_XL_VERSION if newer else DNG_VERSION),
        tiff.encode(tags.DNG_BACKWARD_VERSION, BYTE, JPEG_XL_VERSION if newer else OLDEST_READER),
    ]


def preview_entries(canvas: TiffCanvas, preview: Preview, size: tuple[int, int]) -> list[Entry]:
    """Place a JPEG preview of `size` (height, width); return the tags that describe it."""
    tiff = canvas.tiff
    jpeg = preview.jpeg(size)
    offset = canvas.place(jpeg)
    return [
        tiff.encode(tags.NEW_SUBFILE_TYPE, LONG, [REDUCED_IMAGE]),
        tiff.encode(tags.IMAGE_WIDTH, LONG, [size[1]]),
        tiff.encode(tags.IMAGE_LENGTH, LONG, [size[0]]),
        tiff.encode(tags.BITS_PER_SAMPLE, SHORT, [8, 8, 8]),
        tiff.encode(tags.COMPRESSION, SHORT, [tags.COMPRESSION_JPEG]),
        tiff.encode(tags.PHOTOMETRIC, SHORT, [PHOTOMETRIC_YCBCR]),
        tiff.encode(tags.SAMPLES_PER_PIXEL, SHORT, [3]),
        tiff.encode(tags.PLANAR_CONFIGURATION, SHORT, [1]),
        tiff.encode(tags.STRIP_OFFSETS, LONG, [offset]),
        tiff.encode(tags.ROWS_PER_STRIP, LONG, [size[0]]),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, [len(jpeg)]),
        tiff.encode(tags.YCBCR_SUB_SAMPLING, SHORT, [2, 2]),
    ]

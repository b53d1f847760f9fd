"""A denoised mosaic as DNG: what both ways to write one share (DNG specification 1.7.1).

A DNG source is grafted: its values stay byte for byte and only what denoising changes is replaced (`dng_graft`). For
any other RAW file a DNG is built from its metadata (`dng_build`).
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawclean import __version__
from rawclean.core.frame import RawFrame
from rawclean.core.noise import NoiseModel
from rawclean.io import metadata as tags
from rawclean.io.compression import Compression
from rawclean.io.ljpeg import encode_tile
from rawclean.io.pictures import jpeg_bytes
from rawclean.io.render import render
from rawclean.io.tiff import BYTE, DOUBLE, LONG, RATIONAL, SHORT, Entry, Tiff, TiffCanvas

SOFTWARE = f"rawclean {__version__}"
PREVIEW_SIDE = 1024
"""Longest side of a preview that the source did not have."""
COMPRESSION_NONE, COMPRESSION_JPEG = 1, 7
PHOTOMETRIC_YCBCR = 6
MAIN_IMAGE, REDUCED_IMAGE = 0, 1
TILE_SIDE, TILE_MULTIPLE = 512, 16


@dataclass(frozen=True, slots=True)
class DenoisedPhoto:
    """What a writer needs beside the samples."""

    frame: RawFrame
    residual: NoiseModel
    """Noise that is left; fields (4,)."""
    strength: float
    """Share of the noise that was taken away, for NoiseReductionApplied."""
    compression: Compression = Compression.LJPEG
    """Of the mosaic in a DNG."""


def raw_entries(photo: DenoisedPhoto, codes: NDArray[np.uint16], canvas: TiffCanvas) -> list[Entry]:
    """Place the raster of `photo`, 16-bit `codes`; return the tags that describe it, and what noise is left."""
    tiff = canvas.tiff
    height, width = codes.shape
    stored = _tiles(codes, canvas) if photo.compression is Compression.LJPEG else _strip(codes, canvas)
    return [
        tiff.encode(tags.NEW_SUBFILE_TYPE, LONG, [MAIN_IMAGE]),
        tiff.encode(tags.IMAGE_WIDTH, LONG, [width]),
        tiff.encode(tags.IMAGE_LENGTH, LONG, [height]),
        tiff.encode(tags.BITS_PER_SAMPLE, SHORT, [16]),
        tiff.encode(tags.PHOTOMETRIC, SHORT, [tags.PHOTOMETRIC_CFA]),
        tiff.encode(tags.SAMPLES_PER_PIXEL, SHORT, [1]),
        tiff.encode(tags.PLANAR_CONFIGURATION, SHORT, [1]),
        *stored,
        tiff.encode(tags.NOISE_REDUCTION_APPLIED, RATIONAL, [photo.strength]),
        noise_profile_entry(tiff, photo.residual),
    ]


def _strip(codes: NDArray[np.uint16], canvas: TiffCanvas) -> list[Entry]:
    """One uncompressed strip."""
    tiff = canvas.tiff
    offset = canvas.place(codes.astype(tiff.order + "u2").tobytes())
    return [
        tiff.encode(tags.COMPRESSION, SHORT, [COMPRESSION_NONE]),
        tiff.encode(tags.STRIP_OFFSETS, LONG, [offset]),
        tiff.encode(tags.ROWS_PER_STRIP, LONG, [len(codes)]),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, [codes.nbytes]),
    ]


def _tiles(codes: NDArray[np.uint16], canvas: TiffCanvas) -> list[Entry]:
    """Lossless JPEG tiles; those at the far borders are filled up with a mirror image."""
    tiff = canvas.tiff
    height, width = (_tile_side(side) for side in codes.shape)
    padded = np.pad(codes, ((0, -codes.shape[0] % height), (0, -codes.shape[1] % width)), "symmetric")
    tiles = [
        encode_tile(padded[top : top + height, left : left + width])
        for top in range(0, codes.shape[0], height)
        for left in range(0, codes.shape[1], width)
    ]
    return [
        tiff.encode(tags.COMPRESSION, SHORT, [COMPRESSION_JPEG]),
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


def noise_profile_entry(tiff: Tiff, noise: NoiseModel) -> Entry:
    """NoiseProfile, one pair per colour R, G, B; shot stays above zero, as the tag demands."""
    pairs = list(zip(noise.shot.clamp(min=1e-12).tolist(), noise.read.tolist(), strict=True))
    red, (green_shot, green_read), (other_shot, other_read), blue = pairs
    green = ((green_shot + other_shot) / 2, (green_read + other_read) / 2)
    return tiff.encode(tags.NOISE_PROFILE, DOUBLE, [*red, *green, *blue])


def identity_entries(tiff: Tiff, codes: NDArray[np.uint16]) -> list[Entry]:
    """Tags of IFD0 that name the new file: the program, and an identifier made of the new samples."""
    digest = hashlib.sha256(codes.tobytes()).digest()[:16]
    return [
        tiff.encode_text(tags.SOFTWARE, SOFTWARE),
        tiff.encode(tags.RAW_DATA_UNIQUE_ID, BYTE, list(digest)),
    ]


def preview_pixels(frame: RawFrame) -> NDArray[np.uint8]:
    """The denoised photo at half size, (H, W, 3), lying as the sensor does."""
    return render(frame, bits=8, half_size=True, upright=False).astype(np.uint8, copy=False)


def preview_entries(canvas: TiffCanvas, pixels: NDArray[np.uint8], size: tuple[int, int]) -> list[Entry]:
    """Place a JPEG preview of `size` (height, width); return the tags that describe it."""
    tiff = canvas.tiff
    jpeg = jpeg_bytes(pixels, size)
    offset = canvas.place(jpeg)
    return [
        tiff.encode(tags.NEW_SUBFILE_TYPE, LONG, [REDUCED_IMAGE]),
        tiff.encode(tags.IMAGE_WIDTH, LONG, [size[1]]),
        tiff.encode(tags.IMAGE_LENGTH, LONG, [size[0]]),
        tiff.encode(tags.BITS_PER_SAMPLE, SHORT, [8, 8, 8]),
        tiff.encode(tags.COMPRESSION, SHORT, [COMPRESSION_JPEG]),
        tiff.encode(tags.PHOTOMETRIC, SHORT, [PHOTOMETRIC_YCBCR]),
        tiff.encode(tags.SAMPLES_PER_PIXEL, SHORT, [3]),
        tiff.encode(tags.PLANAR_CONFIGURATION, SHORT, [1]),
        tiff.encode(tags.STRIP_OFFSETS, LONG, [offset]),
        tiff.encode(tags.ROWS_PER_STRIP, LONG, [size[0]]),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, [len(jpeg)]),
        tiff.encode(tags.YCBCR_SUB_SAMPLING, SHORT, [2, 2]),
    ]


def preview_size(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width of a new preview."""
    height, width = pixels.shape[:2]
    scale = min(1.0, PREVIEW_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))

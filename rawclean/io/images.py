"""Ordinary pictures: photos to train on, and finished results."""

import warnings
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.Image import DecompressionBombError, DecompressionBombWarning

from rawclean.errors import UnreadablePhotoError
from rawclean.io.files import check_is_file

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg")
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""Of PNG and JPEG files. What begins otherwise is not given to Pillow, which knows formats that run programs."""


def list_photos(folder: Path) -> list[Path]:
    """PNG and JPEG files directly in `folder`, sorted by name."""
    if not folder.is_dir():
        raise UnreadablePhotoError(f"{folder}: no such folder; name one with PNG or JPEG photos")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Read an sRGB photo as planes (3, H, W), for computing; raises as `read_picture`."""
    return np.ascontiguousarray(read_picture(path).transpose(2, 0, 1))


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a PNG or JPEG as (H, W, 3) of 8 bits; raises UnreadablePhotoError where the file is none."""
    check_is_file(path)
    try:
        with path.open("rb") as file:
            if not file.read(8).startswith(_BEGINNINGS):
                raise ValueError("it begins as neither")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DecompressionBombWarning)  # from 90 MP on; twice as much is an error
            return _decoded(path)
    except (OSError, ValueError, SyntaxError, DecompressionBombError) as error:
        raise UnreadablePhotoError(f"{path}: not a readable PNG or JPEG photo ({error})") from error


def read_tiff(path: Path) -> NDArray[np.uint8]:
    """Read a finished picture of 8 or 16 bits, (H, W, 3), as 8 bits; raises UnreadablePhotoError where it is none."""
    try:
        pixels = tifffile.imread(path)
    except (OSError, ValueError) as error:
        raise UnreadablePhotoError(f"{path}: not a readable TIFF picture ({error})") from error
    return (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels


def _decoded(path: Path) -> NDArray[np.uint8]:
    if imageio.improps(path, plugin="pillow").dtype == np.uint16:  # grey, which Pillow would clip at 255
        grey = imageio.imread(path, plugin="pillow", index=0) >> 8
        return np.repeat(grey[..., None].astype(np.uint8), 3, axis=2)
    pixels: NDArray[np.uint8] = imageio.imread(path, plugin="pillow", index=0, mode="RGB")
    return pixels

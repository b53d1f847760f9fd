"""Ordinary pictures: photos to train on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rawclean.errors import UnreadablePhotoError
from rawclean.io.files import check_is_file

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg")


def list_photos(folder: Path) -> list[Path]:
    """PNG and JPEG files directly in `folder`, sorted by name."""
    if not folder.is_dir():
        raise UnreadablePhotoError(f"{folder}: no such folder; name one with PNG or JPEG photos")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Read an 8-bit sRGB photo as (3, H, W) uint8.

    Raises UnreadablePhotoError where the file is no picture.
    """
    check_is_file(path)
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadablePhotoError(f"{path}: not a readable PNG or JPEG photo ({error})") from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))

"""Output formats by file name suffix: adding one is a function and a line."""

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import rawpy
from numpy.typing import NDArray

from rawclean.errors import OutputError, UsageError, naming
from rawclean.io import libraw
from rawclean.io.atomic import write_atomically
from rawclean.io.dng.build import new_dng
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.dng.graft import graft_dng
from rawclean.io.pictures import png_blocks, tiff_bytes
from rawclean.io.render import render
from rawclean.io.xmp import copy_sidecars, sidecar_packet

Blocks = Iterable[bytes | bytearray]


def _dng(photo: DenoisedPhoto) -> Blocks:
    source = photo.raw
    made = graft_dng(photo) if source.metadata.is_dng else new_dng(photo, sidecar_packet(source.source))
    _check_opens(made)
    return [made]


def _check_opens(dng: bytearray) -> None:
    """Raise OutputError where odd tags of the source, carried over, keep a developer from opening the result."""
    try:
        with libraw.opened(BytesIO(dng)):
            pass
    except rawpy.LibRawError as error:
        raise OutputError("its tags make a DNG that cannot be opened; is the file whole?") from error


def _png(photo: DenoisedPhoto) -> Blocks:
    return png_blocks(_picture(photo))


def _tiff(photo: DenoisedPhoto) -> Blocks:
    return [tiff_bytes(_picture(photo))]


def _picture(photo: DenoisedPhoto) -> NDArray[np.uint16]:
    return render(photo, bits=16).astype(np.uint16, copy=False)


WRITERS: dict[str, Callable[[DenoisedPhoto], Blocks]] = {".dng": _dng, ".png": _png, ".tif": _tiff, ".tiff": _tiff}


def check_format(path: Path) -> None:
    """Raise UsageError where no writer has the suffix of `path`."""
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use {', '.join(WRITERS)}")


def write_photo(path: Path, photo: DenoisedPhoto) -> str | None:
    """Write a denoised photo in the format that the suffix of `path` names; a DNG with its source's sidecars.

    Returns what the user must hear of the sidecars. Raises OutputError where the photo cannot be written; then `path`
    is as it was.
    """
    check_format(path)
    suffix, source = path.suffix.lower(), photo.raw.source
    with naming(source):
        blocks = WRITERS[suffix](photo)
    write_atomically(path, blocks, like=source)
    return copy_sidecars(source, path, denoised=photo.strength > 0) if suffix == ".dng" else None

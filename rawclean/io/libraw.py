"""LibRaw by rawpy, kept from writing to standard error on its own, and watched while it decodes.

rawpy hands on LibRaw's errors, not its warnings. But its JPEG library writes to standard error what is damaged,
and samples that LibRaw leaves out keep what the memory held, which glibc fills with a mark on demand.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import rawpy
from numpy.typing import NDArray

from rawclean.core.glibc import glibc_mallopt
from rawclean.errors import UnreadablePhotoError
from rawclean.io.dng.segments import MAX_SAMPLES
from rawclean.io.spelled import spelled

_ONE_AT_A_TIME = threading.Lock()
_DAMAGE = (b"Corrupt JPEG data", b"Premature end of JPEG file", b"unexpected end of file", b"data corrupted")
"""What libjpeg and LibRaw say of damaged data; other threads may write other things there."""
_MARKS = 0xA5, 0x5B
_M_PERTURB = -6
_MALLOPT = glibc_mallopt()
MOST_SAMPLES_PER_BYTE = 16
"""No camera compresses a photo to less than half a bit for each sample."""
_LISTENED = 1 << 16
"""Bytes."""


@contextmanager
def opened(source: Path | BytesIO) -> Iterator[rawpy.RawPy]:
    """Open a file, or its content; raises rawpy.LibRawError, in the block UnreadablePhotoError by `samples`."""
    with _kept_quiet(), rawpy.imread(str(spelled(source)) if isinstance(source, Path) else source) as raw:
        yield raw


def version() -> str:
    """Which LibRaw it is."""
    return ".".join(map(str, rawpy.libraw_version))


def is_at_work() -> bool:
    """Whether a file is open in LibRaw, which Python may wait for."""
    return _ONE_AT_A_TIME.locked()


def check_size(raw: rawpy.RawPy, path: Path) -> None:
    """Raise UnreadablePhotoError where `path` is too small for its samples, before LibRaw allocates them."""
    count = int(raw.sizes.raw_height) * int(raw.sizes.raw_width)
    if count > min(MAX_SAMPLES, MOST_SAMPLES_PER_BYTE * path.stat().st_size):
        raise UnreadablePhotoError(f"{path.stat().st_size} bytes cannot hold {count} samples; the file is damaged")


def samples(raw: rawpy.RawPy, path: Path) -> np.ndarray:
    """All samples as LibRaw decodes them from `path`, which is open as `raw`: (H, W) or (3, H, W), float32 ADU.

    Raises rawpy.LibRawError, and UnreadablePhotoError where visible samples were left out, or something was said about
    damaged data. A second decoding tells samples that were left out from those that have the value of the mark.
    """
    check_size(raw, path)
    suspected = _decoded(raw, _MARKS[0])
    if bool(suspected.any()):
        with rawpy.imread(str(spelled(path))) as again:
            suspected &= _decoded(again, _MARKS[1])
    if bool(suspected.any()) or any(words in _said() for words in _DAMAGE):
        raise UnreadablePhotoError("a part of its raw image cannot be decoded to its end; copy it from the card again")
    image = raw.raw_image  # LibRaw keeps four colours
    return (np.moveaxis(image[..., :3], -1, 0) if image.ndim == 3 else image).astype(np.float32, order="C")


def _decoded(raw: rawpy.RawPy, mark: int) -> NDArray[np.bool_]:
    """Decode; where the visible samples still are `mark`, a byte twice. Other C libraries than glibc know no marks."""
    if _MALLOPT is None:
        raw.unpack()
        return np.zeros(1, dtype=bool)
    _MALLOPT(_M_PERTURB, mark ^ 0xFF)  # new memory is filled with the complement
    try:
        raw.unpack()
    finally:
        _MALLOPT(_M_PERTURB, 0)
    return np.asarray(raw.raw_image_visible == 0x0101 * mark)


def _said() -> bytes:
    """The end of what was written to standard error in the block of `opened`."""
    end = os.lseek(2, 0, os.SEEK_END)
    os.lseek(2, max(0, end - _LISTENED), os.SEEK_SET)
    return os.read(2, _LISTENED)


@contextmanager
def _kept_quiet() -> Iterator[None]:
    """Let descriptor 2 be a file for as long as the block runs.

    One thread at a time: of two, the second would take the first one's file for what to go back to.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)

"""LibRaw by rawpy, kept from writing to standard error on its own; what it writes there while it decodes is kept.

rawpy hands on LibRaw's errors, not its warnings; but the JPEG library in LibRaw writes there what is damaged.
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
import torch
from torch import Tensor

from rawclean.errors import UnreadablePhotoError

_ONE_AT_A_TIME = threading.Lock()
_DAMAGE = (b"Corrupt JPEG data", b"Premature end of JPEG file", b"unexpected end of file", b"data corrupted")
"""What libjpeg and LibRaw say of damaged data; other threads may write other things there."""
_LISTENED = 1 << 16
"""Bytes."""


@contextmanager
def opened(source: Path | BytesIO) -> Iterator[rawpy.RawPy]:
    """Open a file, or its content; raises rawpy.LibRawError, in the block UnreadablePhotoError by `samples`."""
    with _kept_quiet(), rawpy.imread(str(source) if isinstance(source, Path) else source) as raw:
        yield raw


def samples(raw: rawpy.RawPy) -> Tensor:
    """All samples as LibRaw decodes them, (H, W) or (3, H, W), float32 ADU.

    Raises rawpy.LibRawError, and UnreadablePhotoError where something was said about damaged data.
    """
    image = torch.from_numpy(raw.raw_image.astype(np.float32))
    if any(words in _said() for words in _DAMAGE):
        raise UnreadablePhotoError("a part of its raw image cannot be decoded to its end; copy it from the card again")
    return image[..., :3].permute(2, 0, 1).contiguous() if image.ndim == 3 else image  # LibRaw keeps four colours


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

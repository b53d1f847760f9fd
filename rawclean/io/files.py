"""What a path names: a photo that can be read, which is a file and not an empty one, or a folder."""

import os
import stat
from pathlib import Path

from rawclean.errors import UnreadablePhotoError


def check_is_file(path: Path) -> None:
    """Raise UnreadablePhotoError where `path` is no file, or an empty one; a pipe would be waited for without end."""
    try:
        told = path.stat()
    except FileNotFoundError as error:
        raise UnreadablePhotoError(f"{path}: no such file") from error
    except OSError as error:
        raise UnreadablePhotoError(f"{path}: {error.strerror or error}") from error
    if stat.S_ISDIR(told.st_mode):
        raise UnreadablePhotoError(f"{path}: is a folder; use `rawclean batch` for folders")
    if not stat.S_ISREG(told.st_mode):
        raise UnreadablePhotoError(f"{path}: is a device or a pipe, no file")
    if told.st_size == 0:
        raise UnreadablePhotoError(f"{path}: the file is empty; copy it from the card again")


def names_folder(output: str) -> bool:
    """Whether a result of that name goes into a folder: one that is there, or will be made."""
    return output.endswith(("/", os.sep)) or os.path.isdir(output)  # noqa: PTH112 (no error, if a name is too long)

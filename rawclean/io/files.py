"""Whether a path names something that can be read as a photo: a file, and not an empty one."""

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

"""Whether a path names something that can be read as a photo: a file, and not an empty one."""

from pathlib import Path

from rawclean.errors import UnreadablePhotoError


def check_is_file(path: Path) -> None:
    """Raise UnreadablePhotoError where `path` is no file, or an empty one; a pipe would be waited for without end."""
    if path.is_dir():
        raise UnreadablePhotoError(f"{path}: is a folder; use `rawclean batch` for folders")
    if not path.exists():
        raise UnreadablePhotoError(f"{path}: no such file")
    if not path.is_file():
        raise UnreadablePhotoError(f"{path}: is a device or a pipe, no file")
    if path.stat().st_size == 0:
        raise UnreadablePhotoError(f"{path}: the file is empty; copy it from the card again")

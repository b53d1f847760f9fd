"""Pages of rawclean, which may replace each other and nothing else."""

import os
from contextlib import suppress
from pathlib import Path

from rawclean.errors import OutputError
from rawclean.io.atomic import check_target, make_folder, write_atomically

_BEGINNING = 1024


def check_page(path: Path, source: Path, title: bytes, kind: str, *, make_folders: bool = False) -> None:
    """Raise OutputError where a page cannot be written to `path`, or would replace what is none of its kind.

    A page is told by `title`, which stands near its beginning; `kind` is its name for people.
    """
    if os.path.isfile(path):  # noqa: PTH113 (false, not an error, for a name that is too long)
        with path.open("rb") as file:
            ours = title in file.read(_BEGINNING)
        if not ours:
            raise OutputError(f"{path}: exists and is no {kind} of rawclean, so it is kept; name another")
    check_target(path, source, overwrite=True, make_folders=make_folders)


def write_page_about(photo: Path, path: Path, page: bytes) -> None:
    """Write a page that nobody may read who may not read the photo, and folders for it; raises OutputError."""
    make_folder(path.parent)
    write_atomically(path, [page], like=photo)
    with suppress(OSError):  # a disk without permissions or times
        path.chmod(0o600 | photo.stat().st_mode & 0o044)  # the next page has to replace it, also on Windows
        os.utime(path)

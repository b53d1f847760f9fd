"""Folders for what is needed while the program runs, and that a later run removes where it was killed."""

import shutil
import tempfile
import time
from pathlib import Path

import psutil

_PREFIX = "rawclean-"
_SECONDS_KEPT = 24 * 3600.0
"""Processes of another container may not be seen; what they use is not as old."""


def scratch_folder(within: Path | None = None) -> "tempfile.TemporaryDirectory[str]":
    """A new folder in another, by default the system's temporary one; those of processes gone for a day are removed."""
    _remove_leftovers(within or Path(tempfile.gettempdir()))
    own = f"{_PREFIX}{psutil.Process().pid}-"
    return tempfile.TemporaryDirectory(prefix=own, dir=within, ignore_cleanup_errors=True)


def _remove_leftovers(temporary: Path) -> None:
    for folder in temporary.glob(f"{_PREFIX}*-*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)) and _is_old(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    try:
        return time.time() - folder.lstat().st_mtime > _SECONDS_KEPT
    except OSError:  # gone meanwhile
        return False

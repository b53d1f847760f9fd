"""Files appear whole or not at all: written under a temporary name beside the target, synced, then renamed."""

import errno
import glob
import os
from collections.abc import Iterable
from pathlib import Path

from rawclean.errors import OutputError, TargetFullError

_NOTHING_FITS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def check_target(path: Path, source: Path, *, overwrite: bool) -> None:
    """Raise OutputError where writing `path` would destroy `source`, or a file that may not be overwritten."""
    if path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"{path}: is the source itself, which is never overwritten; name another output")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it")
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: exists already; use --overwrite to replace it")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent}: no such folder; make it first")


def write_atomically(path: Path, blocks: Iterable[bytes | bytearray]) -> None:
    """Write `blocks` as the file `path`, replacing it in one step.

    Raises TargetFullError where the disk is full or read-only, OutputError where just this file cannot be written;
    then nothing is left behind.
    """
    temporary = path.with_name(_temporary_name(path, os.getpid()))
    try:
        with temporary.open("wb") as file:
            file.writelines(blocks)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        kind = TargetFullError if error.errno in _NOTHING_FITS else OutputError
        raise kind(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while they wrote `path` have left; none may be writing it now."""
    for temporary in path.parent.glob(_temporary_name(Path(glob.escape(path.name)), "*")):
        temporary.unlink(missing_ok=True)


def _temporary_name(path: Path, process: int | str) -> str:
    return f".{path.name}.{process}.tmp"

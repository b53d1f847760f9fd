"""Files appear whole or not at all: written under a temporary name beside the target, synced, then renamed."""

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rawclean.errors import OutputError, TargetFullError

_NOTHING_FITS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def check_target(path: Path, source: Path, *, overwrite: bool, make_folders: bool = False) -> None:
    """Raise OutputError where `path` cannot be written, or would destroy `source` or what may not be overwritten.

    Known before anything is computed: the folder is tried by making the temporary file that the result will need. One
    that is missing, and will be made, is tried by the nearest that is there.
    """
    with failing_clearly(path):
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
            _check_existing(path, source, overwrite=overwrite)
        folder = _nearest(path.parent) if make_folders else path.parent
        if not folder.is_dir():
            what = "is a file, and no folder" if folder.exists() else "no such folder; make it first"
            raise OutputError(f"{folder}: {what}")
        trial = folder / _temporary(path).name
        trial.touch()
        trial.unlink()


def write_atomically(path: Path, blocks: Iterable[bytes | bytearray], *, like: Path | None = None) -> None:
    """Write `blocks` as the file `path`, replacing it in one step, with times and permissions of `like` if given.

    Raises TargetFullError where the disk is full or read-only, OutputError where just this file cannot be written;
    then nothing is left behind.
    """
    temporary = _temporary(path)
    try:
        with failing_clearly(path):
            with open(temporary, "wb", opener=_private if like else None) as file:
                file.writelines(blocks)
                file.flush()
                os.fsync(file.fileno())
            if like:
                _take_times_and_mode(temporary, like)
            temporary.replace(path)
    finally:
        with suppress(OSError):  # a disk that has turned read-only keeps it; the reason is what the user must hear
            temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in, where they are missing; raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror or error})") from error


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while they wrote `path` have left; none may be writing it now."""
    with suppress(OSError):  # one that cannot be removed takes nothing but room
        for temporary in path.parent.glob(_temporary(path, "*").name):
            temporary.unlink(missing_ok=True)


def _nearest(folder: Path) -> Path:
    """The first that is there, of a folder and those that it lies in."""
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each)), folder)


def _private(path: str, flags: int) -> int:
    """Open a file that nobody else may read yet: its source may be one that nobody may."""
    return os.open(path, flags, 0o600)


def _take_times_and_mode(path: Path, source: Path) -> None:
    """Give a file the times and the permissions of the one that it was made of, as far as its disk keeps them."""
    with suppress(OSError):  # a network drive without owners or times: the result itself is good
        told = source.stat()
        os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
        path.chmod(told.st_mode & 0o777)  # nothing that would let a result run as its owner


def _temporary(path: Path, process: int | str | None = None) -> Path:
    """As short for the longest name that a disk allows."""
    name = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return path.with_name(f".rawclean-{name}.{os.getpid() if process is None else process}.tmp")


def _check_existing(path: Path, source: Path, *, overwrite: bool) -> None:
    if path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"{path}: is the source itself, which is never overwritten; name another output")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path}: is a device or a pipe, no file; name another output")
    if not overwrite:
        raise OutputError(f"{path}: exists already; use --overwrite to replace it")


@contextmanager
def failing_clearly(path: Path) -> Iterator[None]:
    """Raise TargetFullError or OutputError, with the name of what is being written, for what the system raises."""
    try:
        yield
    except OSError as error:
        kind = TargetFullError if error.errno in _NOTHING_FITS else OutputError
        raise kind(f"{path}: cannot be written ({error.strerror or error})") from error

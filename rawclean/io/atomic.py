"""Files appear whole or not at all: written under a temporary name beside the target, synced, then renamed."""

import os
from collections.abc import Iterable
from pathlib import Path

from rawclean.errors import OutputError


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

    Raises OutputError where the disk is full or the folder not writable; then nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines(blocks)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)

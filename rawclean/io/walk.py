"""All files below a folder of this machine, and what there is not one of them, and why."""

import os
import stat
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path


class LeftOut(Enum):
    """Why something below a folder is none of its files."""

    BLOCKED = "cannot be looked into"
    FOLDER_LINK = "links to folders, which are not followed"
    LOST_LINK = "links that lead nowhere"
    NO_FILE = "pipes, sockets or devices"


LeaveOut = Callable[[Path, LeftOut, str], None]
"""Told of what is left out: where it is, why, and what the system says of it."""


def files_below(root: Path, leave_out: LeaveOut) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file below a folder, and what the system tells of it; links to folders are not followed."""
    for path in _listed(root, leave_out):
        told = _told_of(path)
        if told is LeftOut.BLOCKED:
            leave_out(path.parent, told, "it can be listed, and no more")
        elif isinstance(told, LeftOut):
            leave_out(path, told, "")
        elif told:
            yield path, told


def _listed(root: Path, leave_out: LeaveOut) -> Iterator[Path]:
    """All that is below a folder; links to folders are not followed, they may lead round in a circle."""

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            leave_out(Path(error.filename), LeftOut.BLOCKED, error.strerror or str(error))

    for folder, folders, names in os.walk(root, onerror=failed):
        yield from (Path(folder, name) for name in (*folders, *names))


def _told_of(path: Path) -> os.stat_result | LeftOut | None:
    """What the system says of a file, or why it is none; None for a folder, and for what is gone meanwhile."""
    is_link = os.path.islink(path)  # noqa: PTH114 (false, not an error, in a closed folder)
    try:
        told = path.stat()
    except FileNotFoundError:
        return LeftOut.LOST_LINK if is_link else None
    except OSError:
        return LeftOut.LOST_LINK if is_link else LeftOut.BLOCKED
    if stat.S_ISDIR(told.st_mode):
        return LeftOut.FOLDER_LINK if is_link else None
    return told if stat.S_ISREG(told.st_mode) else LeftOut.NO_FILE

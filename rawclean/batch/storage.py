"""Photos and results by path or URL: s3:// and whatever else fsspec knows; the files of this machine without it.

A place is a URL where it begins with `scheme://`. All else is a path, byte for byte: no ~, no chain of `::`, no glob.
The denoiser itself works on local files: those of a job are fetched before and sent after, where they are elsewhere.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from rawclean.errors import OutputError, UnreadablePhotoError
from rawclean.io.atomic import make_folder
from rawclean.io.scratch import scratch_folder
from rawclean.io.walk import LeftOut, files_below
from rawclean.io.xmp import sidecars

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_LOCAL = ("file", "local")


Note = Callable[[str, LeftOut, str], None]
"""Told of what is left out: its path in the folder, why, and what the system says of it."""


def is_local(place: str) -> bool:
    """Whether a path or URL names a file of this machine."""
    return _scheme(place) in (None, *_LOCAL)


def local_path(place: str) -> Path:
    """The path of a local place, file:// taken off."""
    if _scheme(place) is None:
        return Path(place)
    path = place.partition("://")[2]
    return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path)  # file:///C:/photos


def join(folder: str, name: str) -> str:
    """The place `name`, with forward slashes, in a folder."""
    return str(Path(folder, name)) if _scheme(folder) is None else f"{folder.rstrip('/')}/{name}"


def is_folder(place: str) -> bool:
    """Whether there is such a folder; raises UnreadablePhotoError where the store cannot be asked."""
    with _reading(place):
        if is_local(place):
            return local_path(place).is_dir()
        files, path = _split(place)
        return bool(files.isdir(path))


def is_same(first: str, second: str) -> bool:
    """Whether two places are the same folder."""
    return _absolute(first) == _absolute(second)


def relative(place: str, folder: str) -> PurePosixPath | None:
    """Where `place` lies below `folder`, None where it does not."""
    inner, outer = _absolute(place), _absolute(folder)
    return PurePosixPath(inner[len(outer) + 1 :]) if inner.startswith(f"{outer}/") else None


def list_files(folder: str, note: Note | None = None) -> Iterator[tuple[str, str]]:
    """Every file below a folder: path relative to it, with forward slashes, and a stamp that changes when it does.

    The stamp is its size, with its time or its entity tag. A folder that is not there has no files. `note` is told of
    what is left out.
    """
    with _reading(folder):
        yield from _local_files(local_path(folder), note) if is_local(folder) else _remote_files(folder)


def size_of(stamp: str) -> str:
    """What a stamp says of the size."""
    return stamp.partition(" ")[0]


def digest(place: str) -> str:
    """sha256 of a file's bytes; raises UnreadablePhotoError."""
    with _reading(place), _opened(place) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def source_at_hand(source: str) -> Iterator[Path]:
    """The local path of a photo; one from elsewhere is fetched, with its sidecars, for as long as the block runs.

    Raises UnreadablePhotoError where that fails.
    """
    if is_local(source):
        yield local_path(source)
        return
    with scratch_folder() as folder:
        yield _fetch(source, Path(folder))


@contextmanager
def result_at_hand(output: str) -> Iterator[Path]:
    """The local path to write a result to; one that belongs elsewhere is sent when the block ends without an error.

    Raises OutputError where it cannot be sent, or its folder cannot be made.
    """
    if is_local(output):
        target = local_path(output)
        make_folder(target.parent)
        yield target
        return
    with scratch_folder() as folder:
        target = Path(folder, PurePosixPath(output).name)
        yield target
        _send(target, output)


def _fetch(source: str, folder: Path) -> Path:
    with _reading(source):
        files, path = _split(source)
        target = folder / PurePosixPath(path).name
        files.get_file(path, str(target))
        for sidecar in sidecars(PurePosixPath(path)):
            if files.exists(str(sidecar)):
                files.get_file(str(sidecar), str(folder / sidecar.name))
    return target


def _send(made: Path, output: str) -> None:
    """Send a result and what lies beside it, the result last: once it is there, all is."""
    try:
        files, path = _split(output)
        for file in sorted(made.parent.iterdir(), key=lambda file: file == made):
            files.put_file(str(file), str(PurePosixPath(path).with_name(file.name)))
    except Exception as error:  # every store has its own kinds
        raise OutputError(f"{output}: cannot be written ({error})") from error


def _local_files(root: Path, note: Note | None) -> Iterator[tuple[str, str]]:
    def leave_out(path: Path, why: LeftOut, said: str) -> None:
        if note:
            note(path.relative_to(root).as_posix(), why, said)

    for path, told in files_below(root, leave_out):
        yield path.relative_to(root).as_posix(), f"{told.st_size} {told.st_mtime}"


def _remote_files(folder: str) -> Iterator[tuple[str, str]]:
    files, root = _split(folder)
    files.invalidate_cache()
    for path, info in files.find(root, detail=True).items():
        if info["type"] == "file":
            yield str(PurePosixPath(path).relative_to(PurePosixPath(root))), _stamp(info)


def _opened(place: str) -> Any:
    if is_local(place):
        return local_path(place).open("rb")
    files, path = _split(place)
    return files.open(path, "rb")


def _scheme(place: str) -> str | None:
    found = _SCHEME.match(place)
    return found[1].lower() if found else None


def _split(place: str) -> tuple[Any, str]:
    """The file system of a URL, and the path there; raises UnreadablePhotoError for a kind that is unknown."""
    try:
        kind = fsspec.get_filesystem_class(_scheme(place))
        return kind(**kind._get_kwargs_from_urls(place)), kind._strip_protocol(place)
    except (ValueError, ImportError) as error:
        raise UnreadablePhotoError(f"{place}: {error}; for s3:// install rawclean[cluster]") from error


def _absolute(place: str) -> str:
    if is_local(place):
        return local_path(place).resolve().as_posix()
    files, path = _split(place)
    return f"{files.protocol}:{path.rstrip('/')}"


def _stamp(info: dict[str, Any]) -> str:
    changed = info.get("ETag") or info.get("mtime") or info.get("LastModified") or ""
    return f"{info['size']} {changed}".strip()


@contextmanager
def _reading(place: str) -> Iterator[None]:
    try:
        yield
    except UnreadablePhotoError:
        raise
    except FileNotFoundError as error:
        raise UnreadablePhotoError(f"{place}: no such file") from error
    except Exception as error:  # every store has its own kinds
        raise UnreadablePhotoError(f"{place}: cannot be read ({error})") from error

"""Photos and results by path or URL, through fsspec: file://, s3:// and whatever else it knows.

The denoiser itself works on local files: those of a job are fetched before and sent after, where they are elsewhere.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from rawclean.errors import OutputError, UnreadablePhotoError
from rawclean.io.xmp import sidecars


def is_local(place: str) -> bool:
    """Whether a path or URL names a file of this machine."""
    return isinstance(_split(place)[0], LocalFileSystem)


def local_path(place: str) -> Path:
    """The path of a local place, file:// taken off."""
    return Path(_split(place)[1])


def join(folder: str, name: str) -> str:
    """The place `name`, with forward slashes, in a folder."""
    return str(Path(folder, name)) if "://" not in folder else f"{folder.rstrip('/')}/{name}"


def is_folder(place: str) -> bool:
    """Whether there is such a folder; raises UnreadablePhotoError where the store cannot be asked."""
    with _reading(place):
        files, path = _split(place)
        return bool(files.isdir(path))


def is_same(first: str, second: str) -> bool:
    """Whether two places are the same folder."""
    return _absolute(first) == _absolute(second)


def relative(place: str, folder: str) -> PurePosixPath | None:
    """Where `place` lies below `folder`, None where it does not."""
    inner, outer = _absolute(place), _absolute(folder)
    return PurePosixPath(inner[len(outer) + 1 :]) if inner.startswith(f"{outer}/") else None


def list_files(folder: str) -> Iterator[tuple[PurePosixPath, str]]:
    """Every file below a folder: path relative to it, and a stamp that changes when the file does.

    The stamp is its size, with its time or its entity tag. A folder that is not there has no files.
    """
    with _reading(folder):
        files, root = _split(folder)
        files.invalidate_cache()
        found = files.find(root, detail=True)
    for path, info in found.items():
        if info["type"] == "file":
            yield PurePosixPath(path).relative_to(PurePosixPath(root)), _stamp(info)


def digest(place: str) -> str:
    """sha256 of a file's bytes; raises UnreadablePhotoError."""
    with _reading(place):
        files, path = _split(place)
        with files.open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def source_at_hand(source: str) -> Iterator[Path]:
    """The local path of a photo; one from elsewhere is fetched, with its sidecars, for as long as the block runs.

    Raises UnreadablePhotoError where that fails.
    """
    if is_local(source):
        yield local_path(source)
        return
    with tempfile.TemporaryDirectory(prefix="rawclean-") as folder:
        yield _fetch(source, Path(folder))


@contextmanager
def result_at_hand(output: str) -> Iterator[Path]:
    """The local path to write a result to; one that belongs elsewhere is sent when the block ends without an error.

    Raises OutputError where it cannot be sent, or its folder cannot be made.
    """
    if is_local(output):
        target = local_path(output)
        _make_folder(target.parent)
        yield target
        return
    with tempfile.TemporaryDirectory(prefix="rawclean-") as folder:
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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror or error})") from error


def _split(place: str) -> tuple[Any, str]:
    """The file system of a place, and its path there; raises UnreadablePhotoError for a kind that is unknown."""
    try:
        files, path = fsspec.core.url_to_fs(place)
    except (ValueError, ImportError) as error:
        raise UnreadablePhotoError(f"{place}: {error}; for s3:// install rawclean[cluster]") from error
    return files, path


def _absolute(place: str) -> str:
    files, path = _split(place)
    if isinstance(files, LocalFileSystem):
        return Path(path).resolve().as_posix()
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

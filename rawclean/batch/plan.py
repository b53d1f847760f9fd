"""A folder of photos to jobs: which files, and where each result goes."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import count
from pathlib import PurePath, PurePosixPath
from string import Formatter

from rawclean.batch import storage
from rawclean.errors import UnreadablePhotoError, UsageError
from rawclean.io.suffixes import RAW_SUFFIXES
from rawclean.io.walk import LeftOut

DEFAULT_FOLDER = "denoised"
NAME_FIELDS = ("stem", "ext", "folder")


@dataclass(frozen=True, slots=True)
class Job:
    """One photo and its result, both by path or URL."""

    source: str
    stamp: str
    """Size and time of the source when it was planned; see `storage.list_files`."""
    folder: str
    """Of all results."""
    name: str
    """Of the result, relative to `folder`, with forward slashes."""
    replace: bool = False
    """Whether a result that exists gives way."""
    denoised_too: bool = False
    """Whether a photo that is denoised already is denoised again."""

    @property
    def output(self) -> str:
        """Path or URL of the result."""
        return storage.join(self.folder, self.name)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which photos of a folder, and how their results are named."""

    suffix: str = ".dng"
    """Of the results."""
    include: tuple[str, ...] = ()
    """Globs on a photo's name or its path in the folder, case ignored; none takes all."""
    exclude: tuple[str, ...] = ()
    name: str | None = None
    """Template of the results' names with {stem}, {ext} and {folder}; None keeps name and sub-folder."""


ALL_PHOTOS = Selection()


def plan_jobs(folder: str, output: str, selection: Selection, note: storage.Note | None = None) -> list[Job]:
    """One job per RAW file below `folder`, sorted; results keep the sub-folders, below `output`.

    Photos in `output` itself are results of an earlier run and no sources. Two photos that differ only in their suffix
    keep it in the name of the result, those that some file systems would take for one get a number. Raises UsageError
    where a template is none or gives two photos one name, or the two folders are one, and UnreadablePhotoError where
    there is no such folder. `note` is told of what may hold photos, and is left out.
    """
    if not folder:
        raise UsageError("the name of the folder is empty; name one with photos, or . for the one you are in")
    if not storage.is_folder(folder):
        raise UnreadablePhotoError(f"{folder}: no such folder; use `rawclean denoise` for one file")
    if storage.is_same(folder, output):
        raise UsageError(f"{output}: is the folder of the sources; name another with --out")
    photos = dict(sorted(_photos(folder, output, selection, note)))
    alone = Counter(path.with_suffix("") for path in photos)
    names = {path: _named(path, selection, alone=alone[path.with_suffix("")] == 1) for path in photos}
    if selection.name is not None:
        _check_template(names)
    told_apart = _told_apart(names)
    return [Job(storage.join(folder, str(path)), stamp, output, told_apart[path]) for path, stamp in photos.items()]


def _photos(
    folder: str, output: str, selection: Selection, note: storage.Note | None
) -> Iterator[tuple[PurePosixPath, str]]:
    """Relative path and stamp of each photo that is selected."""
    results = storage.relative(output, folder)

    def counts(path: PurePosixPath) -> bool:
        return not (_is_hidden(path) or (results and results in (path, *path.parents)))

    def note_those(name: str, why: LeftOut, said: str) -> None:
        path = PurePosixPath(name)
        of_photos = why in (LeftOut.BLOCKED, LeftOut.FOLDER_LINK)
        if note and counts(path) and (of_photos or _is_selected(path, selection)):
            note(name, why, said)

    for name, stamp in storage.list_files(folder, note_those):
        path = PurePosixPath(name)
        if counts(path) and _is_selected(path, selection):
            yield path, stamp


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_selected(path: PurePosixPath, selection: Selection) -> bool:
    """Whether a file has the name of a photo that the user wants."""
    if path.suffix.lower() not in RAW_SUFFIXES or _matches(path, selection.exclude):
        return False
    return not selection.include or _matches(path, selection.include)


def _matches(path: PurePosixPath, globs: tuple[str, ...]) -> bool:
    names = (path.name.lower(), path.as_posix().lower())
    return any(fnmatchcase(name, glob.lower()) for glob in globs for name in names)


def _named(path: PurePosixPath, selection: Selection, *, alone: bool) -> PurePosixPath:
    ext = path.suffix[1:].lower()
    if selection.name is None:
        return path.with_name(f"{path.stem}{selection.suffix}" if alone else f"{path.stem}_{ext}{selection.suffix}")
    name = _filled(selection.name, {"stem": path.stem, "ext": ext, "folder": path.parent.as_posix()})
    if not name.rpartition("/")[2]:
        raise UsageError(f"name template {selection.name!r} gives no name; try {{stem}}")
    result = PurePosixPath(name + selection.suffix)
    if PurePath(result).anchor or PurePath(result).drive or ".." in PurePath(result).parts:
        raise UsageError(f"name template {selection.name!r} leads out of the folder of the results")
    if _is_hidden(result):
        raise UsageError(f"name template {selection.name!r} would hide {path} as {result}; begin it with a letter")
    return result


def _filled(template: str, values: dict[str, str]) -> str:
    """A template with its fields replaced, which are plain names; raises UsageError."""
    try:
        pieces = list(Formatter().parse(template))
        if any(field is not None and (field not in NAME_FIELDS or how or kind) for _, field, how, kind in pieces):
            raise ValueError("a field of another name, or with a format")
    except ValueError as error:
        fields = ", ".join(f"{{{field}}}" for field in NAME_FIELDS)
        raise UsageError(f"name template {template!r} is not understood; it can hold {fields}") from error
    return "".join(literal + (values[field] if field is not None else "") for literal, field, _, _ in pieces)


def _check_template(names: dict[PurePosixPath, PurePosixPath]) -> None:
    first: dict[PurePosixPath, PurePosixPath] = {}
    for path, name in names.items():
        other = first.setdefault(name, path)
        if other != path:
            raise UsageError(f"{other} and {path} would both become {name}; give --name more, like {{folder}}/{{stem}}")


def _told_apart(names: dict[PurePosixPath, PurePosixPath]) -> dict[PurePosixPath, str]:
    """The names, with a number where others are the same to a file system that ignores case and Unicode's forms."""
    taken: set[str] = set()
    apart: dict[PurePosixPath, str] = {}
    for path, name in names.items():
        numbered = (name.with_stem(f"{name.stem}_{number}") for number in count(2))
        free = name if _folded(name) not in taken else next(other for other in numbered if _folded(other) not in taken)
        taken.add(_folded(free))
        apart[path] = free.as_posix()
    return apart


def _folded(name: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.as_posix()).casefold())

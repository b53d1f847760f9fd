"""A folder of photos to jobs: which files, and where each result goes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from rawclean.batch import storage
from rawclean.errors import OutputError, UnreadablePhotoError
from rawclean.io.raw import RAW_SUFFIXES

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


def plan_jobs(folder: str, output: str, selection: Selection) -> list[Job]:
    """One job per RAW file below `folder`, sorted; results keep the sub-folders, below `output`.

    Photos in `output` itself are results of an earlier run and no sources. Two photos that differ only in their suffix
    keep it in the name of the result. Raises OutputError where two photos would have one result, UnreadablePhotoError
    where there is no such folder.
    """
    if not storage.is_folder(folder):
        raise UnreadablePhotoError(f"{folder}: no such folder; use `rawclean denoise` for one file")
    if storage.is_same(folder, output):
        raise OutputError(f"{output}: is the folder of the sources; name another with --out")
    photos = dict(sorted(_photos(folder, output, selection)))
    alone = Counter(path.with_suffix("") for path in photos)
    names = {path: _named(path, selection, alone=alone[path.with_suffix("")] == 1).as_posix() for path in photos}
    _check_names(names)
    return [Job(storage.join(folder, str(path)), stamp, output, names[path]) for path, stamp in photos.items()]


def _photos(folder: str, output: str, selection: Selection) -> Iterator[tuple[PurePosixPath, str]]:
    """Relative path and stamp of each photo that is selected."""
    results = storage.relative(output, folder)
    for path, stamp in storage.list_files(folder):
        hidden = any(part.startswith(".") for part in path.parts)
        if path.suffix.lower() not in RAW_SUFFIXES or hidden or (results and results in path.parents):
            continue
        if selection.include and not _matches(path, selection.include):
            continue
        if not _matches(path, selection.exclude):
            yield path, stamp


def _matches(path: PurePosixPath, globs: tuple[str, ...]) -> bool:
    names = (path.name.lower(), path.as_posix().lower())
    return any(fnmatchcase(name, glob.lower()) for glob in globs for name in names)


def _named(path: PurePosixPath, selection: Selection, *, alone: bool) -> PurePosixPath:
    ext = path.suffix[1:].lower()
    if selection.name is None:
        return path.with_name(f"{path.stem}{selection.suffix}" if alone else f"{path.stem}_{ext}{selection.suffix}")
    try:
        name = selection.name.format(stem=path.stem, ext=ext, folder=path.parent.as_posix())
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        fields = ", ".join(f"{{{field}}}" for field in NAME_FIELDS)
        raise OutputError(f"name template {selection.name!r} is not understood; it can hold {fields}") from error
    result = PurePosixPath(name + selection.suffix)
    if result.is_absolute() or ".." in result.parts:
        raise OutputError(f"name template {selection.name!r} leads out of the folder of the results")
    return result


def _check_names(names: dict[PurePosixPath, str]) -> None:
    """Names are compared without case, as some file systems do."""
    first: dict[str, PurePosixPath] = {}
    for path, name in names.items():
        other = first.setdefault(name.lower(), path)
        if other != path:
            raise OutputError(
                f"{other} and {path} would both become {name}; give --name more, like {{folder}}/{{stem}}"
            )

"""Where results go that a command line asks for: beside the photos, into a folder, or into one file."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rawclean.errors import UnreadablePhotoError, UsageError
from rawclean.io.applied import is_denoised
from rawclean.io.files import names_folder
from rawclean.io.suffixes import RAW_SUFFIXES
from rawclean.io.tiff.metadata import known_metadata
from rawclean.io.walk import LeftOut, files_below

Blocked = Callable[[Path, str], object]
"""Told of a folder that cannot be looked into, and what the system says of it."""

BESIDE = "_denoised"
"""Ends the name of a result in the folder of its photo."""


@dataclass(frozen=True, slots=True)
class Target:
    """A photo, and its result."""

    source: Path
    output: Path


@dataclass(frozen=True, slots=True)
class Naming:
    """How a user wants results to be named."""

    output: str | None = None
    """A file for one photo, or a folder; None puts results beside their photos."""
    suffix: str | None = None
    """After the name of a photo; None is `_denoised` in the photo's own folder, and nothing elsewhere."""
    file_format: str | None = None
    """Like ".png"; None is that of a file that is named, else DNG."""


def plan_targets(sources: Sequence[str], naming: Naming, blocked: Blocked) -> list[Target]:
    """One target for each photo of `sources`, which are files and folders with all that is below them.

    What is in a folder keeps its sub-folder. `blocked` is told of those that cannot be looked into.

    Raises UsageError where two photos would have one result or a name is none, UnreadablePhotoError where there is no
    photo in a folder.
    """
    _check_names(sources, naming)
    if _is_one_file(sources, naming):
        return [Target(Path(sources[0]), _one_file(naming))]
    if naming.output is not None and not names_folder(naming.output) and Path(naming.output).suffix:
        raise UsageError(f"{naming.output}: is named like a file, and has to hold several results; end it with /")
    photos = list(_photos(sources, blocked))
    alone = Counter((place, source.stem.casefold()) for source, place in photos)
    targets = _told_apart(
        Target(source, _named(source, place, naming, alone=alone[place, source.stem.casefold()] == 1))
        for source, place in photos
    )
    _check_sources(targets)
    return targets


def photos_below(folder: Path, blocked: Blocked) -> list[Path]:
    """RAW files below a folder, sorted; hidden ones and links to folders are left out."""

    def is_hidden(path: Path) -> bool:
        return any(part.startswith(".") for part in path.relative_to(folder).parts)

    def leave_out(path: Path, why: LeftOut, said: str) -> None:
        if why is LeftOut.BLOCKED and not is_hidden(path):
            blocked(path, said)

    raw = (path for path, _ in files_below(folder, leave_out) if path.suffix.lower() in RAW_SUFFIXES)
    return sorted(path for path in raw if not is_hidden(path))


def _is_one_file(sources: Sequence[str], naming: Naming) -> bool:
    if naming.output is None or len(sources) > 1 or os.path.isdir(sources[0]):  # noqa: PTH112
        return False
    return not names_folder(naming.output)


def _one_file(naming: Naming) -> Path:
    output = Path(naming.output or "")
    if naming.suffix is not None:
        raise UsageError(f"{output}: names the result, so --suffix has nothing to end; end -o with / for a folder")
    if naming.file_format not in (None, output.suffix.lower()):
        raise UsageError(f"{output}: is not named as --format {str(naming.file_format)[1:]} is; leave out one of them")
    return output


def _photos(sources: Sequence[str], blocked: Blocked) -> Iterator[tuple[Path, Path]]:
    """Each photo once, and its folder relative to what the user has named."""
    for source in map(Path, dict.fromkeys(sources)):
        if not os.path.isdir(source):  # noqa: PTH112
            yield source, Path()
            continue
        below = photos_below(source, blocked)
        if not below:
            raise UnreadablePhotoError(f"{source}: no RAW photos in it")
        yield from ((photo, photo.parent.relative_to(source)) for photo in below)


def _named(source: Path, place: Path, naming: Naming, *, alone: bool) -> Path:
    folder = source.parent if naming.output is None else Path(naming.output, place)
    beside = naming.output is None or _is_same(folder, source.parent)
    suffix = naming.suffix if naming.suffix is not None else BESIDE if beside else ""
    kind = "" if alone else f"_{source.suffix[1:].lower()}"
    return folder / f"{source.stem}{kind}{suffix}{naming.file_format or '.dng'}"


def _told_apart(targets: Iterator[Target]) -> list[Target]:
    taken: dict[str, Target] = {}
    for target in targets:
        other = taken.setdefault(str(target.output).casefold(), target)
        if other is not target:
            raise UsageError(
                f"{other.source} and {target.source} would both become {target.output}; denoise them into two folders"
            )
    return list(taken.values())


def _check_sources(targets: Sequence[Target]) -> None:
    """Raise UsageError where a result would take the place of another photo that is to be denoised."""
    sources = {_identity(target.source): target for target in targets}
    for target in targets:
        there = _identity(target.output)
        other = sources.get(there) if there else None
        if other not in (None, target) and not is_denoised(other.source, known_metadata(other.source)):
            raise UsageError(
                f"{target.output}: would become the result of {target.source}, and is to be denoised itself; name "
                "results with --suffix, or put them into a folder of their own with -o"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """Of a file, whatever names it has; None where there is none."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_dev, told.st_ino


def _check_names(sources: Sequence[str], naming: Naming) -> None:
    if "" in (*sources, naming.output):
        raise UsageError("the name of a photo or a result is empty; is a variable of the shell not set?")
    for name in (*sources, naming.output or ""):
        if "://" in name:
            raise UsageError(f"{name}: is a URL, and here are files wanted; `rawclean batch` takes folders by URL")
    if naming.suffix and any(letter in naming.suffix for letter in ("/", "\\", "\0", ":")):
        raise UsageError(f"--suffix {naming.suffix!r} is no end of a name; give one like _clean")


def _is_same(folder: Path, other: Path) -> bool:
    return os.path.realpath(folder) == os.path.realpath(other)

"""A folder of photos to jobs: which files, and where each result goes."""

from dataclasses import dataclass
from pathlib import Path

from rawclean.errors import OutputError, UnreadablePhotoError
from rawclean.io.raw import RAW_SUFFIXES

DEFAULT_FOLDER = "denoised"


@dataclass(frozen=True, slots=True)
class Job:
    """One photo and its result."""

    source: Path
    output: Path


def plan_jobs(folder: Path, output: Path, suffix: str) -> list[Job]:
    """One job per RAW file below `folder`, sorted; results keep the sub-folders, below `output`.

    Photos in `output` itself are results of an earlier run and no sources. Two photos that differ only in their
    suffix keep it in the name of the result. Raises UnreadablePhotoError where there is nothing to do.
    """
    if not folder.is_dir():
        raise UnreadablePhotoError(f"{folder}: no such folder; use `rawclean denoise` for one file")
    if output.resolve() == folder.resolve():
        raise OutputError(f"{output}: is the folder of the sources; name another with --out")
    results = output.resolve()
    sources = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in RAW_SUFFIXES and path.is_file() and results not in path.resolve().parents
    )
    if not sources:
        raise UnreadablePhotoError(f"{folder}: no RAW photos in it")
    stems = [path.with_suffix("") for path in sources]
    return [
        Job(source, output / source.relative_to(folder).with_name(_name(source, suffix, alone=stems.count(stem) == 1)))
        for source, stem in zip(sources, stems, strict=True)
    ]


def _name(source: Path, suffix: str, *, alone: bool) -> str:
    return f"{source.stem}{suffix}" if alone else f"{source.stem}_{source.suffix[1:].lower()}{suffix}"

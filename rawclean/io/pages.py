"""Pages of rawclean, which may replace each other and nothing else."""

from pathlib import Path

from rawclean.errors import OutputError
from rawclean.io.atomic import check_target

_BEGINNING = 1024


def check_page(path: Path, source: Path, title: bytes, kind: str) -> None:
    """Raise OutputError where a page cannot be written to `path`, or would replace what is none of its kind.

    A page is told by `title`, which stands near its beginning; `kind` is its name for people.
    """
    if path.is_file():
        with path.open("rb") as file:
            ours = title in file.read(_BEGINNING)
        if not ours:
            raise OutputError(f"{path}: exists and is no {kind} of rawclean, so it is kept; name another")
    check_target(path, source, overwrite=True)

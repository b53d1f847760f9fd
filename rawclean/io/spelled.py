"""Names that are no text: a link of a plain name for libraries that take nothing but Unicode, such as LibRaw's."""

import os
import tempfile
from functools import lru_cache
from itertools import count
from pathlib import Path

from rawclean.core.printable import escaped
from rawclean.io.scratch import scratch_folder
from rawclean.io.xmp import is_file, sidecars

_NUMBERS = count()


def spelled(photo: Path) -> Path:
    """The photo under a path that can be encoded: its own, or else that of a link beside links to its sidecars.

    Only names that are bytes of another encoding need it, and only systems with symbolic links have such names. The
    links go when the process does, or with a later run where it was killed.
    """
    try:
        str(photo).encode()
    except UnicodeEncodeError:
        return _linked(Path(os.path.abspath(photo)))  # noqa: PTH100 (a link in it must stay: its name is the photo's)
    return photo


@lru_cache(maxsize=64)
def _linked(photo: Path) -> Path:
    folder = Path(_folder().name, str(next(_NUMBERS)))
    folder.mkdir()
    link = folder / f"{escaped(photo.stem)[:100]}{escaped(photo.suffix)}"
    for theirs, ours in zip((photo, *sidecars(photo)), (link, *sidecars(link)), strict=True):
        if theirs == photo or is_file(theirs):
            ours.symlink_to(theirs)
    return link


@lru_cache(maxsize=1)
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return scratch_folder()

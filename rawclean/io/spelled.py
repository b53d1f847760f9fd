"""Names that are no text: a link of a plain name for libraries that take nothing but Unicode, such as LibRaw's."""

import os
import tempfile
from functools import lru_cache
from itertools import count
from pathlib import Path

from rawclean.core.printable import escaped
from rawclean.io.scratch import scratch_folder

_NUMBERS = count()


def spelled(photo: Path) -> Path:
    """The photo under a path that can be encoded: its own, or else that of a link.

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
    link = Path(_folder().name, f"{next(_NUMBERS)}{escaped(photo.suffix)}")
    link.symlink_to(photo)
    return link


@lru_cache(maxsize=1)
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return scratch_folder()

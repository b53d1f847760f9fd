"""Weight files, checked before anything is read from them."""

import hashlib
from pathlib import Path

from rawclean.errors import ModelError

_REMEDY = "reinstall rawclean, or `rawclean models remove` one of yours"


def check_weights(path: Path, sha256: str | None = None) -> None:
    """Raise ModelError where a weight file is missing, may not be read, or is not the one with `sha256`."""
    if not path.is_file():
        remedy = "name another" if sha256 is None else _REMEDY
        raise ModelError(f"{path}: no such weight file; {remedy}")
    if sha256 is None:
        return
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give yourself the right to") from error
    if sha256 != found:
        raise ModelError(f"{path}: sha256 differs from the manifest; {_REMEDY}")


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

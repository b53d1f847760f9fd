"""Standard input and output in place of files, as `-`: what comes is read to its end first, a result sent whole."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rawclean.errors import OutputError, RawcleanError, UsageError

STANDARD = "-"


@contextmanager
def photo_from_standard_input() -> Iterator[Path]:
    """A file with what comes in; raises UsageError where nobody sends anything."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("- is standard input, and nothing is sent there; name a photo, or send one with < IMG.dng")
    with _scratch_file("photo", "standard input") as path:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path


@contextmanager
def result_to_standard_output(suffix: str) -> Iterator[Path]:
    """A file for a result, which is sent when the block ends without an error; raises OutputError, UsageError."""
    if sys.stdout is None or sys.stdout.isatty():
        raise UsageError(
            "standard output is a terminal, and a photo no text; name the result, or send it with > out.dng"
        )
    with _scratch_file(f"result{suffix}", "standard output") as path:
        yield path
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except OSError as error:
            sys.stdout = None  # Python would try once more to write what is left, and complain
            raise OutputError(f"standard output: cannot be written ({error.strerror or error})") from error


@contextmanager
def _scratch_file(name: str, told_as: str) -> Iterator[Path]:
    """A path in a folder of its own; messages call it as the user knows it."""
    from rawclean.io.scratch import scratch_folder

    with scratch_folder() as folder:
        path = Path(folder, name)
        try:
            yield path
        except RawcleanError as error:
            raise type(error)(str(error).replace(str(path), told_as)) from error

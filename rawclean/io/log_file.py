"""A file of what was done, one line an event, that grows and is never replaced."""

import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path

from rawclean.errors import OutputError

_LINE = "%(asctime)s %(process)d %(levelname)s %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%S%z"
_OURS = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \d+ [A-Z]+ ")


class LogFile(logging.FileHandler):
    """The end of a log; where it cannot be written any more, that is told once, and the work goes on."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        """Raises OutputError where the file cannot be written, or holds something else than a log."""
        _check(path)
        try:
            super().__init__(path, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror or error}); name another log") from error
        self.setFormatter(logging.Formatter(_LINE, _TIME))
        self._path, self._tell, self._failed = path, tell, False

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line."""
        if not self._failed:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging calls it so)
        """Say that a line could not be written."""
        self._failed = True
        self._tell(f"{self._path}: cannot be written any more ({sys.exception()}); the log ends here, the work goes on")

    def close(self) -> None:
        """Close the file; a full disk that has been told of already does not end the work."""
        try:
            super().close()
        except OSError:
            if not self._failed:
                raise


def _check(path: Path) -> None:
    """Raise OutputError where there is something that is no log, to which nothing may be added."""
    try:
        if not path.exists():
            return
        if not path.is_file():
            raise OutputError(f"{path}: is no file; name another log")
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror or error}); name another log") from error
    if start and not _OURS.match(start):
        raise OutputError(f"{path}: holds something else than a log of rawclean; name another")

"""--log: what a command does, and all that it says of it, in a file as well."""

import platform
import shlex
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from rawclean.cli.report import LOGGER, log_error, log_line, print_unlogged
from rawclean.version import __version__


def start_log(context: typer.Context, path: Path | None) -> Path | None:
    """Begin to log into a file, as the callback of an option; raises OutputError."""
    if path is None or context.resilient_parsing:
        return None
    from rawclean.io.log_file import LogFile

    LOGGER.addHandler(LogFile(path, print_unlogged))
    log_line(f"rawclean {__version__}, Python {platform.python_version()}: {shlex.join(sys.argv[1:])}")
    if context.default_map:
        values = ", ".join(f"{name} = {value}" for name, value in sorted(context.default_map.items()))
        log_line(f"by rawclean.toml: {values}")
    return path


@contextmanager
def logged_to_the_end() -> Iterator[None]:
    """Log how the block ends, with the traceback of a bug, and close the log."""
    start = time.monotonic()
    try:
        yield
    except SystemExit as end:
        log_line(f"ended with status {end.code or 0} after {time.monotonic() - start:.1f} s")
        raise
    except Exception:  # a bug, which is shown, too
        for line in traceback.format_exc().splitlines():
            log_error(line)
        raise
    finally:
        for handler in [*LOGGER.handlers]:
            LOGGER.removeHandler(handler)
            handler.close()

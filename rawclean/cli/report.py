"""Values to text and JSON: all that rawclean prints passes here, so that no name or password does harm."""

import dataclasses
import json
import logging
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from rawclean.core.printable import harmless, without_credentials
from rawclean.io.walk import LeftOut

if TYPE_CHECKING:
    from rawclean.denoise_report import DenoiseReport

LOGGER = logging.getLogger("rawclean")
"""Takes what is said of photos to the file of `--log`, where there is one."""
LOGGER.setLevel(logging.INFO)
LOGGER.propagate = False


@dataclass(frozen=True, slots=True)
class Shown:
    """How much is shown."""

    quiet: bool
    as_json: bool

    @property
    def in_words(self) -> bool:
        """Whether standard output has text for people."""
        return not (self.quiet or self.as_json)


def print_json(value: object) -> None:
    """One JSON document on one line; infinities become null."""
    print(json.dumps(_plain(value)), flush=True)


def print_line(text: str = "") -> None:
    """One line on standard output."""
    print(harmless(text))


def print_script(text: str) -> None:
    """A script of our own for another program, as it is."""
    print(text)


def print_error(text: str) -> None:
    """One line on standard error."""
    print_unlogged(text)
    log_error(text)


def print_blocked(folder: str, said: str) -> None:
    """Of a folder below another, what the system says of it."""
    print_error(f"{folder}: {LeftOut.BLOCKED.value} ({said}); its photos are left out")


def print_warning(text: str) -> None:
    """One line on standard error."""
    print_unlogged(f"warning: {text}")
    _log(logging.WARNING, text)


def print_notes(text: str) -> None:
    """Lines on standard error."""
    for line in text.splitlines():
        print(harmless(line), file=sys.stderr)
        log_error(line)


def print_unlogged(text: str) -> None:
    """One line on standard error alone."""
    print(f"rawclean: {harmless(text)}", file=sys.stderr)


def log_line(text: str) -> None:
    """One line in the log alone."""
    _log(logging.INFO, text)


def log_error(text: str) -> None:
    """One line in the log alone, as an error."""
    _log(logging.ERROR, text)


def _log(level: int, text: str) -> None:
    if LOGGER.handlers:  # without one, logging would write to standard error
        LOGGER.log(level, "%s", harmless(text))


def summary(report: "DenoiseReport") -> str:
    """What was done, in one line."""
    luminance, colour = report.shares
    taken = "" if report.shares == (1, 1) else f", {luminance:.0%} of brightness and {colour:.0%} of colour taken"
    return (
        f"{report.output}: {report.camera}, {report.width}x{report.height}, noise by {report.noise_origin} "
        f"(sigma {report.sigma:.4f}){taken}, {report.model} on {report.device}, "
        f"{sum(report.seconds.values()):.1f} s"
    )


def peak_memory_mib() -> float:
    """Largest memory this process has held so far."""
    if sys.platform != "win32":
        with suppress(ImportError):
            import resource

            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    memory = psutil.Process().memory_info()
    return float(getattr(memory, "peak_wset", memory.rss)) / 2**20


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Enum):
        return value.value
    return without_credentials(str(value)) if isinstance(value, str | Path) else value

"""Values to text and JSON."""

import dataclasses
import json
import math
import resource
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rawclean.pipeline import DenoiseReport


def print_json(value: object) -> None:
    """One JSON document on one line; infinities become null."""
    print(json.dumps(_plain(value)), flush=True)


def print_warning(text: str) -> None:
    """One line on standard error."""
    print(f"rawclean: warning: {text}", file=sys.stderr)


def summary(report: "DenoiseReport") -> str:
    """What was done, in one line."""
    return (
        f"{report.output}: {report.camera}, {report.width}x{report.height}, noise by {report.noise_origin} "
        f"(sigma {report.sigma:.4f}), {report.model} on {report.device}, {sum(report.seconds.values()):.1f} s"
    )


def peak_memory_mib() -> float:
    """Largest memory this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


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
    return str(value) if isinstance(value, Path) else value

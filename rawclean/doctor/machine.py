"""The programs and the machine: versions, processor, memory, GPU, and what `auto` takes of them."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from rawclean.doctor.finding import Finding, State
from rawclean.engines.choices import DeviceChoice, EngineChoice, Precision
from rawclean.engines.pick import engine_of, openvino_is_installed, pick_engine, why_no_gpu
from rawclean.models.cards import ModelCard
from rawclean.version import __version__

LIBRARIES = (
    *("openvino", "torch", "numpy", "rawpy", "imagecodecs", "simplejpeg", "tifffile", "safetensors"),
    *("pillow", "typer", "rich"),
)
REPLACEABLE = frozenset({"openvino", "torch"})
"""One of them is enough to denoise."""
_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")
"""Names that Linux has for what networks are fast with."""


def programs() -> Iterator[Finding]:
    """Versions of rawclean, Python, the system and the libraries."""
    yield Finding("rawclean", State.GOOD, f"{__version__} in {Path(__file__).parents[1]}")
    yield Finding("python", State.GOOD, f"{platform.python_implementation()} {platform.python_version()}")
    yield Finding("system", State.GOOD, _system())
    for name in LIBRARIES:
        try:
            yield Finding(name, State.GOOD, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            state = State.NOTE if name in REPLACEABLE else State.FAULT
            yield Finding(name, state, f"is not installed; pip install {name}")


def photo_readers() -> Iterator[Finding]:
    """Whether what reads and writes photos can be loaded."""
    from rawclean.io import libraw, raw, writers  # noqa: F401, PLC0415 (a library that is broken is one finding)

    yield Finding("photo files", State.GOOD, f"all that reads and writes them loads; LibRaw {libraw.version()}")


def processor() -> Iterator[Finding]:
    """Instructions, memory, and last, since OpenVINO must load for it, the name."""
    yield Finding("instructions", State.GOOD, ", ".join(_instructions()) or "unknown")
    memory = psutil.virtual_memory()
    yield Finding("memory", State.GOOD, f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} GiB free")
    yield Finding("processor", State.GOOD, f"{_processor_name()}, {os.cpu_count()} cores, {platform.machine()}")


def gpu() -> Iterator[Finding]:
    """The graphics card, or why there is none."""
    reason = why_no_gpu()
    if reason is not None:
        yield Finding("graphics card", State.NOTE, f"none is used: {reason}")
        return
    from rawclean.engines.device import gpu_name  # noqa: PLC0415 (torch takes seconds to load)

    name = gpu_name()
    missing = "none is used: torch may use one here, and finds none; is its driver too old for this torch?"
    yield Finding("graphics card", State.GOOD if name else State.NOTE, name or missing)


def engine(card: ModelCard) -> Iterator[Finding]:
    """What computes a model where nothing is asked for, and why."""
    ready = pick_engine(card, EngineChoice.AUTO, DeviceChoice.AUTO, Precision.AUTO).name
    program, device, number_format = ready.split()
    why = engine_of(card) if program == "torch" else "OpenVINO is installed, and no graphics card is used"
    half = number_format in ("bf16", "bfloat16")
    place = "processor" if device == "cpu" else "graphics card"
    accuracy = f"the {place} has {'' if half else 'no '}instructions for bfloat16"
    state = State.GOOD if program == "openvino" or device != "cpu" else State.NOTE
    yield Finding("engine", state, f"{ready}, because {why.removeprefix('torch').lstrip('; ,')}; {accuracy}")


def _system() -> str:
    with suppress(OSError):  # not Linux
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.platform()}"
    return platform.platform()


def _processor_name() -> str:
    if openvino_is_installed():
        from rawclean.engines.openvino_engine import cpu_name  # noqa: PLC0415 (only where it is installed)

        return cpu_name()
    return platform.processor() or "unknown"


def _instructions() -> list[str]:
    """What numpy found beyond the baseline, and what networks are fast with, as Linux calls it."""
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    with suppress(OSError):
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
        return [*(feature for feature in _FEATURES if feature in words), *found]
    return list(found)

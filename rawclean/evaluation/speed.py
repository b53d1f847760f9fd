"""How long a photo takes, step by step, beside other programs: medians over whole runs of the command line."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rawclean.engines.choices import DeviceChoice, EngineChoice, Precision
from rawclean.engines.peak import peak_gmac_per_second
from rawclean.errors import RawcleanError
from rawclean.evaluation.benchmark import markdown_lines
from rawclean.models.manifest import find_model

RUNS = 5
_NOISE_REDUCTION = "[Version]\nAppVersion=5.9\nVersion=349\n[Directional Pyramid Denoising]\nEnabled=true\nLuma=30\n"
"""RawTherapee's noise reduction, the rest as it is by default."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians over runs of one photo."""

    megapixels: float
    engine: str
    model: str
    steps: dict[str, float]
    """Seconds of start, decode, noise, network and write."""
    wall: float
    peak_memory_mib: float
    gmac_per_second: float
    """Of the network step, halo not counted."""
    peak_gmac_per_second: float
    """Of a plain convolution on the same engine."""
    others: dict[str, float]
    """Seconds of other programs that are installed."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What computes."""

    engine: EngineChoice = EngineChoice.AUTO
    device: DeviceChoice = DeviceChoice.AUTO
    precision: Precision = Precision.AUTO
    model: str | None = None
    """None takes the one that the photo would get."""

    @property
    def options(self) -> list[str]:
        """For the command line."""
        computer = ["--engine", self.engine.value, "--device", self.device.value, "--precision", self.precision.value]
        return [*computer, *(["--model", self.model] if self.model else [])]


def measure_speed(photo: Path, machine: Machine, progress: Callable[[], None], runs: int = RUNS) -> Speed:
    """Denoise `photo` to DNG `runs` times, each in its own process; other programs in turn with it.

    `progress` is called after each run. Raises RawcleanError where the photo cannot be denoised.
    """
    walls: list[float] = []
    told: list[dict[str, Any]] = []
    programs = _other_programs()
    others: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            told.append(_denoise(photo, Path(folder) / "out.dng", machine))
            walls.append(time.perf_counter() - start)
            for name, command in programs.items():
                others[name].append(_timed(command(photo, Path(folder))))
        progress()
    reports = [each["report"] for each in told]
    steps = {name: statistics.median(each["seconds"][name] for each in reports) for name in reports[0]["seconds"]}
    begun = [wall - sum(each["seconds"].values()) for wall, each in zip(walls, reports, strict=True)]
    megapixels = reports[0]["width"] * reports[0]["height"] / 1e6
    return Speed(
        megapixels=megapixels,
        engine=reports[0]["device"],
        model=reports[0]["model"],
        steps={"start": statistics.median(begun), **steps},
        wall=statistics.median(walls),
        peak_memory_mib=statistics.median(each["peak_memory_mib"] for each in told),
        gmac_per_second=find_model(reports[0]["model"]).gmac_per_megapixel * megapixels / steps["network"],
        peak_gmac_per_second=peak_gmac_per_second(reports[0]["device"]),
        others={name: statistics.median(seconds) for name, seconds in others.items()},
    )


def to_markdown(speed: Speed) -> str:
    """The result as tables."""
    seconds = {**speed.steps, "wall": speed.wall}
    rows = [
        [f"{speed.megapixels:.1f} MP, {speed.model}, {speed.engine}", *seconds],
        ["seconds", *(f"{value:.2f}" for value in seconds.values())],
        ["seconds per megapixel", *(f"{value / speed.megapixels:.4f}" for value in seconds.values())],
    ]
    share = speed.gmac_per_second / speed.peak_gmac_per_second
    told = (
        f"network: {speed.gmac_per_second:.0f} GMAC/s, {share:.0%} of what a plain convolution reaches here; "
        f"peak memory {speed.peak_memory_mib:.0f} MiB"
    )
    beside = [["beside it", "seconds", "times rawclean's"]] + [
        [name, f"{value:.2f}", f"{value / speed.wall:.2f}"] for name, value in speed.others.items()
    ]
    return "\n\n".join([markdown_lines(rows), told, *([markdown_lines(beside)] if speed.others else [])])


def _denoise(photo: Path, output: Path, machine: Machine) -> dict[str, Any]:
    command = [sys.executable, "-m", "rawclean", "denoise", str(photo), "-o", str(output), "--json", *machine.options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RawcleanError(done.stderr.strip().removeprefix("rawclean: ") or f"{photo}: could not be denoised")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _other_programs() -> dict[str, Callable[[Path, Path], list[str]]]:
    """Commands that develop a photo, with and without noise reduction, by programs that are installed."""
    found: dict[str, Callable[[Path, Path], list[str]]] = {}
    if shutil.which("darktable-cli"):
        found["darktable-cli, no denoising"] = _darktable
    if shutil.which("rawtherapee-cli"):
        found["rawtherapee-cli, noise reduction"] = _rawtherapee
    return found


def _darktable(photo: Path, folder: Path) -> list[str]:
    own = ["--core", "--configdir", str(folder / "config"), "--library", ":memory:"]
    return ["darktable-cli", str(photo), str(folder / "darktable.tif"), "--apply-custom-presets", "false", *own]


def _rawtherapee(photo: Path, folder: Path) -> list[str]:
    profile = folder / "denoise.pp3"
    profile.write_text(_NOISE_REDUCTION, encoding="utf-8")
    return ["rawtherapee-cli", "-o", str(folder), "-p", str(profile), "-b16", "-t", "-Y", "-c", str(photo)]


def _timed(command: Sequence[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RawcleanError(f"{command[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()[-200:]}")
    return time.perf_counter() - start

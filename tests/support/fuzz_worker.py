"""Denoises the files named on standard input, one `source output` a line; answers each with a line of JSON.

`source output files` leaves out the network, whose work does not depend on how a file is made: the photo is read and
written as it is, with its preview.

A process of its own, so that a crash of a decoder is seen as one and does not end the tests.
"""

import ctypes
import json
import sys
import time
from pathlib import Path

from rawclean.core.noise import NoiseModel
from rawclean.errors import RawcleanError
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.raw import count_samples, read_raw
from rawclean.io.tiff.metadata import known_metadata
from rawclean.io.writers import write_photo
from rawclean.pipeline import denoise_file
from rawclean.settings import DenoiseSettings

SETTINGS = DenoiseSettings(noise=(1e-3, 1e-6), overwrite=True)
NOISE = NoiseModel.uniform(1e-3, 1e-6)


def outcome(source: Path, output: Path, *, network: bool) -> str:
    """How denoising ends, and whether the result can be read."""
    try:
        metadata = known_metadata(source)
        if metadata:
            count_samples(source, metadata)
        if network:
            denoise_file(source, output, SETTINGS)
        else:
            write_photo(output, DenoisedPhoto(read_raw(source), NOISE, strength=1.0))
    except RawcleanError as error:
        return f"refused: {error}"
    except Exception as error:  # what the test is there to find
        return f"bug: {error!r}"
    try:
        read_raw(output)
    except RawcleanError as error:
        return f"unreadable: {error}"
    finally:
        output.unlink()
    return "done"


def forget_peak() -> None:
    """Let the peak of memory count from here, without what earlier files have freed and glibc keeps (Linux)."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> int:
    """The most memory since `forget_peak`, in MiB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].removesuffix("kB")) // 1024


for line in sys.stdin:
    forget_peak()
    start = time.monotonic()
    source, output, *rest = line.split()
    answer = outcome(Path(source), Path(output), network=not rest)
    print(json.dumps([answer, time.monotonic() - start, peak_mib()]), flush=True)

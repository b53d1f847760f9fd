"""Denoises the files named on standard input, one `source output` a line; answers each with a line of JSON.

A process of its own, so that a crash of a decoder is seen as one and does not end the tests.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch

from rawclean.errors import RawcleanError
from rawclean.pipeline import DenoiseSettings, denoise_file

SETTINGS = DenoiseSettings(noise=(1e-3, 1e-6), overwrite=True)

torch.set_num_threads(1)
for line in sys.stdin:
    source, output = map(Path, line.split())
    start = time.monotonic()
    try:
        denoise_file(source, output, SETTINGS)
        answer = "done"
    except RawcleanError as error:
        answer = f"refused: {error}"
    except Exception as error:  # what the test is there to find
        answer = f"bug: {error!r}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps([answer, time.monotonic() - start, peak]), flush=True)

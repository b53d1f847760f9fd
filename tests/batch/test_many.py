"""A shoot with broken files, killed again and again: `RAWCLEAN_PHOTOS=500` for a large one."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter

import imageio.v3 as imageio
import numpy as np
import pytest
from batch_process import digests, start

from rawclean.core.noise import NoiseModel
from rawclean.evaluation.simulate import SimulateSettings, simulate_dng

PHOTOS = int(os.environ.get("RAWCLEAN_PHOTOS", "40"))
KILLS = 3


@pytest.fixture
def shoot(tmp_path, shared):
    """Small simulated DNGs of many noise levels, every twentieth damaged in one of four ways."""
    folder = tmp_path / "shoot"
    folder.mkdir()
    pictures = sorted((shared / "photos" / "dev").iterdir())
    draw = random.Random(0)
    for number in range(PHOTOS):
        picture = imageio.imread(pictures[number % len(pictures)])[..., :3]
        top, left = (draw.randrange(side - 192) for side in picture.shape[:2])
        imageio.imwrite(tmp_path / "crop.png", np.ascontiguousarray(picture[top : top + 192, left : left + 192]))
        path = folder / f"{number:04}.dng"
        noise = NoiseModel.uniform(10 ** draw.uniform(-4, -2), 1e-5)
        simulate_dng(tmp_path / "crop.png", path, SimulateSettings(noise, number, overwrite=False), None)
        if number % 20 == 7:
            whole = path.read_bytes()
            damaged = (b"", whole[: len(whole) // 3], b"no photo at all", bytes(len(whole)))
            path.write_bytes(damaged[number // 20 % 4])
    return folder


@pytest.mark.slow
def test_every_good_photo_is_denoised_once_and_every_bad_one_reported(shoot, tmp_path):
    bad = {f"{number:04}.dng" for number in range(PHOTOS) if number % 20 == 7}
    begun = time.monotonic()
    whole = start(shoot, "--out", tmp_path / "whole", stderr=subprocess.DEVNULL)
    whole.communicate()
    print(f"{PHOTOS} photos, {len(bad)} bad, without a stop: {time.monotonic() - begun:.0f} s")
    assert whole.returncode == 3

    denoised, failed = Counter(), Counter()
    for run in range(KILLS + 1):
        process = start(shoot, "--out", tmp_path / "killed", stderr=subprocess.DEVNULL)
        for line in process.stdout:
            outcome = json.loads(line)
            name = outcome["job"]["name"]
            denoised[name] += outcome["report"] is not None
            failed[name] += outcome["error"] is not None
            if run < KILLS and sum(denoised.values()) >= (run + 1) * PHOTOS // (KILLS + 1):
                process.send_signal(signal.SIGKILL)
                break
        rest, _ = process.communicate()
        for outcome in map(json.loads, filter(lambda line: line.endswith("}"), rest.splitlines())):
            denoised[outcome["job"]["name"]] += outcome["report"] is not None
    print(f"killed {KILLS} times: {sum(denoised.values())} denoised, {len(+failed)} failed")
    assert digests(tmp_path / "killed") == digests(tmp_path / "whole")
    assert set(digests(tmp_path / "killed")) == {path.name for path in shoot.iterdir()} - bad
    assert max(denoised.values()) == 1
    assert set(+failed) == bad
    assert not list((tmp_path / "killed").glob(".*.tmp"))

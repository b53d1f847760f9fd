"""The memory of a batch: what may be used, and what is."""

import shutil
import subprocess
import sys
import threading

import imageio.v3 as imageio
import numpy as np
import pytest

from rawclean.batch.memory import BYTES_PER_SAMPLE, PROGRAM, MemoryBudget, with_fitting_tile
from rawclean.errors import MemoryLimitError
from rawclean.settings import DenoiseSettings

MEGA = 10**6
GIB = 1 << 30


def test_photos_wait_until_they_fit():
    budget = MemoryBudget(PROGRAM + 50 * MEGA * BYTES_PER_SAMPLE, network=0)
    begun = threading.Event()

    def second():
        with budget.hold("second.dng", 30 * MEGA):
            begun.set()

    with budget.hold("first.dng", 30 * MEGA):
        thread = threading.Thread(target=second)
        thread.start()
        assert not begun.wait(0.2)
        with budget.hold("third.dng", 15 * MEGA):
            pass
    assert begun.wait(10)
    thread.join()


def test_a_photo_that_never_fits_is_refused():
    budget = MemoryBudget(PROGRAM + MEGA * BYTES_PER_SAMPLE, network=0)
    with (
        pytest.raises(MemoryLimitError, match="needs about 573M, more than --max-memory 543M"),
        budget.hold("large.dng", 2 * MEGA),
    ):
        pass


def test_without_a_limit_a_large_photo_is_denoised_alone():
    budget = MemoryBudget(None, network=0)
    with budget.hold("huge.dng", 10**12):
        pass


def test_a_limit_makes_tiles_smaller():
    settings = DenoiseSettings()
    tiles = [with_fitting_tile(settings, limit).tile for limit in (None, 8 * GIB, GIB, GIB // 2)]
    assert tiles[:2] == [settings.tile, settings.tile]
    assert tiles[1] > tiles[2] > tiles[3]


@pytest.mark.slow
def test_the_limit_is_kept(tmp_path):
    shoot = tmp_path / "shoot"
    shoot.mkdir()
    picture = np.tile(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8), (40, 60, 1))
    imageio.imwrite(tmp_path / "photo.png", picture)
    subprocess.run(
        [sys.executable, "-m", "rawclean", "simulate", tmp_path / "photo.png", "-o", shoot / "0.dng", "--quiet"],
        check=True,
    )
    for number in range(1, 3):
        shutil.copy(shoot / "0.dng", shoot / f"{number}.dng")
    measured = (
        "import resource, sys; from rawclean.cli.main import run\n"
        "sys.argv[0] = 'rawclean'\n"
        "try: run()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", measured, "batch", shoot, "--quiet", "--max-memory"]
    used = {
        limit: int(subprocess.run([*command, limit, "--force"], capture_output=True, check=True).stdout) / 2**20
        for limit in ("1G", "4G")
    }
    assert used["1G"] < 1.0
    assert used["1G"] < used["4G"] < 4.0


@pytest.mark.parametrize(("size", "status", "word"), [("2X", 2, "800M or 2G"), ("100M", 1, "one.dng: needs about")])
def test_a_bad_limit_is_one_clear_line(rawclean, sample, tmp_path, size, status, word):
    shutil.copy(sample, tmp_path / "one.dng")
    result = rawclean("batch", tmp_path, "--max-memory", size)
    assert result.status == status
    assert word in " ".join(result.err.split())

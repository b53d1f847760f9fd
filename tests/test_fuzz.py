"""Five hundred damaged files: each ends in one clear line, or soon in a result that can be read."""

import json
import select
import subprocess
import sys
from pathlib import Path

import pytest
from dng_matrix import CASES
from mutations import mutate

from rawclean.io.raw import read_raw

FILES = 500
SECONDS, MEBIBYTES = 20, 2048
REAL_FILES = (
    *("pixel7_dark_iso744_ljpeg.dng", "blackmagic_gbrg_ljpeg_lintable.dng", "canon_eos_6d_lossy_linear_iso1000.dng"),
    *("kodak_dc120_chart.kdc", "canon_g2_chart_iso50.crw", "nikon_d1_iso200_bggr.nef"),
)
PARTS = 10


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[tuple[str, bytes]]:
    """Suffix and content of sound files."""
    folder = tmp_path_factory.mktemp("sound")
    return [(".dng", case.write(folder / f"{name}.dng").read_bytes()) for name, case in CASES.items()]


@pytest.fixture(scope="module")
def worker():
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("fuzz_worker.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def answer_of(worker, source: Path, output: Path) -> tuple[str, float, int]:
    worker.stdin.write(f"{source} {output}\n")
    worker.stdin.flush()
    answered, _, _ = select.select([worker.stdout], [], [], 3 * SECONDS)
    assert answered, "hangs"
    line = worker.stdout.readline()
    assert line, f"the interpreter crashed with status {worker.wait()}"
    return tuple(json.loads(line))


def check(worker, folder: Path, suffix: str, data: bytes) -> None:
    source, output = folder / f"damaged{suffix}", folder / "out.dng"
    source.write_bytes(data)
    answer, seconds, peak = answer_of(worker, source, output)
    assert seconds < SECONDS
    assert peak < MEBIBYTES
    if answer == "done":
        read_raw(output)
        output.unlink()
    else:
        assert answer.startswith("refused: ")
        assert "\n" not in answer
        assert len(answer) < 400
    assert [path.name for path in folder.iterdir()] == [source.name]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_dng_ends_well(worker, sources, tmp_path, part):
    for seed in range(part, FILES, PARTS):
        suffix, sound = sources[seed % len(sources)]
        check(worker, tmp_path, suffix, mutate(sound, seed))


@pytest.mark.parametrize("name", REAL_FILES)
def test_a_damaged_real_file_ends_well(worker, shared, tmp_path, name):
    sound = (shared / "raw" / name).read_bytes()
    for seed in range(12):
        check(worker, tmp_path, Path(name).suffix, mutate(sound, seed))

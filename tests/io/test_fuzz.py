"""Some hundred damaged files: each ends in one clear line, or soon in a result that can be read (see `fuzz`)."""

from pathlib import Path

import pytest
from fuzz import GOOD, NETWORK_EACH, Worker, judged, mutated, real_files, sound_files

FILES, PARTS = 330, 11
MEBIBYTES = 1536


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[tuple[str, str, bytes]]:
    return sound_files(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.stop()


def check(worker: Worker, folder: Path, source: tuple[str, str, bytes], seed: int, *, network: bool) -> None:
    _, suffix, sound = source
    _, data = mutated(sound, suffix, seed)
    path = folder / f"damaged{suffix}"
    path.write_bytes(data)
    answer, seconds, peak = worker.ask(path, folder / "out.dng", network=network)
    path.unlink()
    assert judged(answer, seconds, list(map(str, folder.iterdir()))) in GOOD, answer
    assert peak < MEBIBYTES


@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_dng_ends_well(worker, sources, tmp_path, part):
    for seed in range(part, FILES, PARTS):
        check(worker, tmp_path, sources[seed % len(sources)], seed, network=seed % NETWORK_EACH == 0)


def test_damaged_real_files_end_well(worker, shared, tmp_path):
    for number, source in enumerate(real_files(shared / "raw")):
        for seed in range(4):
            check(worker, tmp_path, source, 4 * number + seed, network=False)

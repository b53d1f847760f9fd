"""A photo that crashes, hangs or eats memory costs its worker, not the run: real processes that do so."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import wait
from pathlib import Path

import psutil
import pytest
from batch_process import COMMAND, digests, start

from rawclean.batch.outcome import Stopped
from rawclean.batch.supervisor import Limits, Supervisor
from rawclean.errors import WorkerLostError

MALICE = """
import os, pathlib, time
whole = pathlib.Path.open
def opened(path, *how, **more):
    if path.name.startswith("crash"):
        os.abort()
    while path.name.startswith("hang"):
        time.sleep(1)
    return whole(path, *how, **more)
pathlib.Path.open = opened
"""
"""What a decoder with a fault would do, put into each process by Python's own hook."""


@pytest.fixture
def malicious(tmp_path):
    folder = tmp_path / "hook"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(MALICE)
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture
def shoot(tmp_path, sample):
    folder = tmp_path / "shoot"
    folder.mkdir()
    for name in ("a", "crash", "d", "hang", "x"):
        shutil.copy(sample, folder / f"{name}.dng")
    return folder


def crash():
    os.abort()


def eat():
    held = []
    while True:
        held.append(b"x" * (64 << 20))
        time.sleep(0.05)


def test_the_guilty_call_is_given_up_and_the_others_are_not():
    with Supervisor(3, Limits(seconds=8, memory=256 << 20)) as executor:
        sums = [executor.submit(divmod, number, 7) for number in range(5)]
        guilty = {
            "SIGABRT": executor.submit(crash),
            "--timeout": executor.submit(time.sleep, 60),
            "MiB of memory": executor.submit(eat),
        }
        more = [executor.submit(divmod, number, 7) for number in range(5)]
        for word, future in guilty.items():
            with pytest.raises(WorkerLostError, match=f"2 tries, and it .*{word}"):
                future.result(120)
        assert [future.result(60)[1] for future in sums + more] == [0, 1, 2, 3, 4] * 2


def test_what_hangs_is_stopped():
    with Supervisor(2, Limits()) as executor:
        futures = [executor.submit(time.sleep, 600) for _ in range(4)]
        time.sleep(0.5)
        executor.stop()
        assert not wait(futures, 30).not_done
        assert all(future.cancelled() or isinstance(future.exception(), Stopped) for future in futures)
        assert executor.submit(divmod, 7, 2).result(60) == (3, 1)


def told(watch):
    watch("begun")


def test_who_waits_is_told_what_ended_the_supervision():
    """Here a display that fails; without an answer a batch would wait for ever."""

    def failing(*told: object) -> None:
        raise ValueError("no display")

    with Supervisor(2, Limits()) as executor:
        with pytest.raises(ValueError, match="no display"):
            executor.submit(told, watch=failing).result(60)
        with pytest.raises(ValueError, match="no display"):
            executor.submit(abs, -1)


def test_a_batch_gives_up_what_crashes_or_hangs(shoot, malicious, tmp_path):
    command = [*COMMAND, shoot, "--out", tmp_path / "out", "--timeout", "8", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, env=malicious, timeout=240)
    assert result.returncode == 3
    lines = {Path(line["job"]["source"]).stem: line["error"] for line in map(json.loads, result.stdout.splitlines())}
    assert set(digests(tmp_path / "out")) == {"a.dng", "d.dng", "x.dng"}
    assert "SIGABRT" in lines["crash"]
    assert "took longer than 8 s" in lines["hang"]
    assert not list((tmp_path / "out").glob(".*.tmp"))


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_ends_a_batch_that_hangs(shoot, malicious, tmp_path, presses):
    process = start(shoot, "--out", tmp_path / "out", "--include", "hang*", "--timeout", "600", env=malicious)
    while not (workers := psutil.Process(process.pid).children(recursive=True)):
        time.sleep(0.1)
    time.sleep(4)
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert not list((tmp_path / "out").glob(".*.tmp"))


def test_a_killed_batch_takes_its_worker_along(shoot, tmp_path):
    process = start(shoot, "--out", tmp_path / "out", "--force")
    process.stdout.readline()
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    process.kill()
    process.communicate(timeout=30)
    assert not psutil.wait_procs(workers, timeout=10)[1]


def test_a_dry_run_is_as_safe(shoot, malicious):
    command = [*COMMAND, shoot, "--exclude", "hang*", "--dry-run", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, env=malicious, timeout=120)
    lines = {Path(line["job"]["source"]).stem: line["error"] for line in map(json.loads, result.stdout.splitlines())}
    assert {name for name, error in lines.items() if error} == {"crash"}
    assert result.stderr == ""


def test_the_program_is_itself_again_after_a_start():
    main = sys.modules["__main__"]
    before = main.__spec__
    with Supervisor(1, Limits()) as supervisor:
        assert supervisor.submit(abs, -1).result(60) == 1
    assert main.__spec__ is before

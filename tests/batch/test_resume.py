"""Batches that are stopped, by whatever means, and go on: real processes, real signals."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from batch_process import COMMAND, digests, start


def batch(*arguments, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments), "--json"], capture_output=True, text=True, timeout=120, **options
    )


def outcomes(result):
    """What became of each photo, by name: done, failed, or the reason why it was skipped."""
    lines = map(json.loads, result.stdout.splitlines())
    return {
        Path(line["job"]["source"]).name: "done" if line["report"] else line["skipped"] or "failed" for line in lines
    }


def journal(folder):
    with closing(sqlite3.connect(folder / "rawclean-journal.sqlite")) as database:
        return dict(database.execute("SELECT name, state FROM jobs").fetchall())


@pytest.fixture
def shoot(tmp_path, sample):
    folder = tmp_path / "shoot"
    folder.mkdir()
    for number in range(6):
        shutil.copy(sample, folder / f"{number}.dng")
    return folder


@pytest.mark.parametrize("photos_before_the_end", [1, 3])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_goes_on_where_it_was(shoot, how, photos_before_the_end, tmp_path):
    whole = tmp_path / "whole"
    assert batch(shoot, "--out", whole).returncode == 0
    process = start(shoot, "--out", tmp_path / "out")
    first = [json.loads(process.stdout.readline())["job"]["name"] for _ in range(photos_before_the_end)]
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command again" in err
        assert not list((tmp_path / "out").glob(".*.tmp"))
    rest = outcomes(batch(shoot, "--out", tmp_path / "out"))
    assert all(rest[name] in ("done before", "had just been finished when an earlier run ended") for name in first)
    assert "done" in rest.values()
    assert digests(tmp_path / "out") == digests(whole)
    assert not list((tmp_path / "out").glob(".*.tmp"))
    assert set(journal(tmp_path / "out").values()) == {"done"}


def test_only_changed_photos_settings_and_models_are_done_again(shoot, tmp_path, sample):
    out = tmp_path / "out"
    batch(shoot, "--out", out)
    os.utime(shoot / "0.dng")  # a new time, the same bytes
    changed = bytearray(sample.read_bytes())
    changed[-2000] ^= 1
    (shoot / "1.dng").write_bytes(changed)
    again = outcomes(batch(shoot, "--out", out))
    assert [name for name, what in again.items() if what == "done"] == ["1.dng"]
    weaker = outcomes(batch(shoot, "--out", out, "--strength", "0.5"))
    assert set(weaker.values()) == {"done"}
    assert set(outcomes(batch(shoot, "--out", out, "--strength", "0.5")).values()) == {"done before"}
    assert set(outcomes(batch(shoot, "--out", out, "--strength", "0.5", "--force")).values()) == {"done"}
    with (
        closing(sqlite3.connect(out / "rawclean-journal.sqlite")) as database,
        database,
    ):  # as if 2.dng had been made by older weights
        database.execute("""UPDATE jobs SET report = json_set(report, '$.model_sha256', 'old') WHERE name = '2.dng'""")
    newer = outcomes(batch(shoot, "--out", out, "--strength", "0.5"))
    assert [name for name, what in newer.items() if what == "done"] == ["2.dng"]


def test_retry_failed_does_nothing_else(shoot, tmp_path, sample):
    (shoot / "1.dng").write_bytes(b"broken")
    (shoot / "2.dng").write_bytes(b"broken")
    assert batch(shoot, "--out", tmp_path / "out").returncode == 3
    shutil.copy(sample, shoot / "1.dng")
    (tmp_path / "out" / "0.dng").unlink()
    again = outcomes(batch(shoot, "--out", tmp_path / "out", "--retry-failed"))
    assert (again["1.dng"], again["2.dng"], again["0.dng"]) == ("done", "failed", "did not fail before")


def test_results_that_no_batch_made_are_kept(shoot, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "3.dng").write_text("mine")
    assert "no batch made" in outcomes(batch(shoot, "--out", out))["3.dng"]
    assert (out / "3.dng").read_text() == "mine"
    assert outcomes(batch(shoot, "--out", out, "--force"))["3.dng"] == "done"


def test_a_photo_that_goes_away_in_mid_run_fails_alone(shoot, tmp_path):
    process = start(shoot, "--out", tmp_path / "out")
    process.stdout.readline()
    (shoot / "5.dng").unlink()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert len(out.splitlines()) == 5
    assert "5.dng: no such file" in err
    assert len(digests(tmp_path / "out")) == 5


def test_two_runs_do_not_share_a_folder(shoot, tmp_path):
    first = start(shoot, "--out", tmp_path / "out", "--watch")
    first.stdout.readline()
    second = batch(shoot, "--out", tmp_path / "out")
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert second.returncode == 1
    assert "another run is at work" in second.stderr
    assert len(second.stderr.splitlines()) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A disk on which some of six results fit."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stops_the_run_and_nothing_is_half_written(shoot, small_disk, tmp_path):
    result = batch(shoot, "--out", small_disk / "out")
    assert result.returncode == 1
    assert "make room, then run the same command again" in result.stderr
    assert "Traceback" not in result.stderr
    made = digests(small_disk / "out")
    assert 0 < len(made) < 6
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    assert batch(shoot, "--out", small_disk / "out").returncode == 0
    batch(shoot, "--out", tmp_path / "whole")
    assert digests(small_disk / "out") == digests(tmp_path / "whole")
    assert not list((small_disk / "out").glob(".*.tmp"))


def test_a_read_only_disk_is_one_clear_line(shoot, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = batch(shoot, "--out", small_disk / "out")
    assert result.returncode == 1
    assert "read-only" in result.stderr.lower()
    assert len(result.stderr.splitlines()) == 1


def test_a_damaged_journal_says_what_to_do(shoot, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "rawclean-journal.sqlite").write_bytes(b"no database at all" * 100)
    result = batch(shoot, "--out", out)
    assert result.returncode == 1
    assert "delete it" in result.stderr


def test_a_folder_that_is_being_filled(tmp_path, sample):
    folder = tmp_path / "card"
    folder.mkdir()
    process = start(folder, "--out", tmp_path / "out", "--watch")
    shutil.copy(sample, folder / "first.dng")
    first = json.loads(process.stdout.readline())
    whole = sample.read_bytes()
    with (folder / "slow.dng").open("wb") as file:  # a slow card: grows for longer than a photo needs to settle
        for at in range(0, len(whole), len(whole) // 8):
            file.write(whole[at : at + len(whole) // 8])
            file.flush()
            time.sleep(0.5)
    second = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert [line["job"]["name"] for line in (first, second)] == ["first.dng", "slow.dng"]
    assert first["report"]
    assert second["report"]
    assert not err.replace("rawclean: stopped; run the same command again to go on where it was", "").strip()

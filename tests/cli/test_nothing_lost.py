"""Nothing is overwritten that was not asked for, and what cannot be written is known before anything is computed."""

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

from rawclean.batch.journal import Entry, Journal, State
from rawclean.denoise_report import DenoiseReport
from rawclean.errors import OutputError, TargetFullError
from rawclean.io.atomic import check_target, write_atomically
from rawclean.pipeline import prepare
from rawclean.settings import DenoiseSettings


@pytest.fixture
def shoot(tmp_path, sample):
    folder = tmp_path / "shoot"
    folder.mkdir()
    shutil.copy(sample, folder / "one.dng")
    return folder


def one_line(result, word, status=1):
    assert result.status == status
    assert word in result.err
    assert len(result.err.splitlines()) == 1


def test_a_report_replaces_nothing_but_a_report(rawclean, shoot, tmp_path):
    before = (shoot / "one.dng").read_bytes()
    one_line(rawclean("batch", shoot, "--report", shoot / "one.dng"), "no report of rawclean")
    assert (shoot / "one.dng").read_bytes() == before
    assert not (shoot / "denoised").exists()
    one_line(rawclean("batch", shoot, "--report", tmp_path / "none" / "page.html"), "no such folder")
    assert not (shoot / "denoised").exists()
    for _ in range(2):
        assert rawclean("batch", shoot, "--quiet", "--report", tmp_path / "page.html").status == 0


def test_the_working_folder_may_not_say_what_is_written_where(rawclean, shoot, tmp_path, monkeypatch):
    monkeypatch.chdir(shoot)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (shoot / "rawclean.toml").write_text(
        f'report = "{tmp_path}/page.html"\n[batch]\nout = "{tmp_path}/elsewhere"\nscheduler = "tcp://127.0.0.1:9"\n'
        "strength = 0.5\n[denoise]\noverwrite = true\n"
    )
    result = rawclean("batch", ".", "--quiet")
    one_line(result, "taken from the working folder", status=0)
    assert (shoot / "denoised" / "one.dng").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"shoot"}
    assert rawclean("denoise", "one.dng", "-o", "denoised/one.dng").status == 1
    settings = json.loads(rawclean("config", "show", "--json").out)["settings"]
    chosen = {(setting["command"], setting["option"]): setting["value"] for setting in settings}
    assert (chosen["batch", "strength"], chosen["batch", "out"]) == (0.5, None)


def test_both_outputs_of_simulate_are_kept(rawclean, tmp_path, shared):
    photo = next((shared / "photos" / "dev").iterdir())
    (tmp_path / "clean.dng").write_text("mine")
    one_line(rawclean("simulate", photo, "-o", tmp_path / "noisy.dng", "--clean", tmp_path / "clean.dng"), "exists")
    assert (tmp_path / "clean.dng").read_text() == "mine"
    twice = rawclean("simulate", photo, "-o", tmp_path / "new.dng", "--clean", tmp_path / "new.dng")
    one_line(twice, "two", status=2)
    assert [path.name for path in tmp_path.iterdir()] == ["clean.dng"]


def test_the_longest_name_is_written_and_a_longer_one_refused(rawclean, sample, tmp_path):
    longest = tmp_path / f"{'x' * 251}.dng"
    assert rawclean("denoise", sample, "-o", longest, "--quiet").status == 0
    with pytest.raises(OutputError, match="too long"):
        prepare(tmp_path / "never read.dng", tmp_path / f"{'x' * 252}.dng", DenoiseSettings())


def test_a_folder_that_takes_no_files_is_known_before_the_photo_is_read(tmp_path):
    target = tmp_path / "disk"
    target.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", target], capture_output=True).returncode:
        pytest.skip("may not mount a file system")
    try:
        subprocess.run(["mount", "-o", "remount,ro", target], check=True)
        with pytest.raises(TargetFullError, match=r"out\.dng: cannot be written \(Read-only"):
            prepare(tmp_path / "never read.dng", target / "out.dng", DenoiseSettings())
        with pytest.raises(TargetFullError, match=r"out\.dng: cannot be written \(Read-only"):
            write_atomically(target / "out.dng", [b"late"])
    finally:
        subprocess.run(["umount", target], check=True)


def test_a_folder_that_went_away_is_one_line(tmp_path):
    with pytest.raises(OutputError, match=r"out\.dng: cannot be written \(No such file"):
        write_atomically(tmp_path / "gone" / "out.dng", [b"late"])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_result_has_times_and_mode_of_its_source(rawclean, shoot):
    source = shoot / "one.dng"
    beside = shoot / "one.dng.xmp"
    beside.write_text("<x/>")
    for path, mode in ((source, 0o600), (beside, 0o640)):
        path.chmod(mode)
        os.utime(path, ns=(10**18, 10**18 + mode))
    assert rawclean("batch", shoot, "--quiet").status == 0
    for path, mode in ((source, 0o600), (beside, 0o640)):
        told = (shoot / "denoised" / path.name).stat()
        assert (told.st_mode & 0o777, told.st_mtime_ns) == (mode, 10**18 + mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_result_is_never_to_be_read_by_more_than_its_source(tmp_path):
    source, output = tmp_path / "a.dng", tmp_path / "b.dng"
    source.touch(0o600)

    def modes():
        yield b"secret"
        yield b"".join(bytes([path.stat().st_mode & 0o077]) for path in tmp_path.iterdir())

    write_atomically(output, modes(), like=source)
    assert output.read_bytes() == b"secret\0\0"


def test_a_sidecar_of_too_long_a_name_does_not_fail_the_photo(rawclean, sample, tmp_path):
    source = tmp_path / "a.dng"
    shutil.copy(sample, source)
    (tmp_path / "a.dng.pp3").write_text("[Version]")
    output = tmp_path / f"{'x' * 251}.dng"
    result = rawclean("denoise", source, "-o", output, "--quiet")
    one_line(result, "a.dng.pp3 is not copied", status=0)
    assert "too long" in result.err
    assert output.exists()
    assert rawclean("denoise", output, "-o", tmp_path / "b.dng", "--quiet").status == 0


def test_a_link_to_nowhere_counts_as_there(tmp_path, sample):
    (tmp_path / "out.dng").symlink_to(tmp_path / "elsewhere.dng")
    with pytest.raises(OutputError, match="exists already"):
        check_target(tmp_path / "out.dng", sample, overwrite=False)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("ALTER TABLE jobs ADD COLUMN mood TEXT", None),
        ("PRAGMA user_version = 0", None),
        ("UPDATE jobs SET report = json_remove(report, '$.iso')", None),
        ("PRAGMA user_version = 99", "newer rawclean"),
        ("UPDATE jobs SET state = 'dreaming'", "delete it"),
        ("UPDATE jobs SET report = '{\"model\": 3}'", "delete it"),
        ("UPDATE jobs SET report = 'no JSON'", "delete it"),
        ("ALTER TABLE jobs DROP COLUMN settings", "delete it"),
    ],
)
def test_a_journal_of_another_kind_is_used_or_named(rawclean, shoot, change, word):
    assert rawclean("batch", shoot, "--quiet").status == 0
    with closing(sqlite3.connect(shoot / "denoised" / "rawclean-journal.sqlite")) as database:
        database.execute(change)
        database.commit()
    result = rawclean("batch", shoot, "--json")
    if word:
        one_line(result, word)
    else:
        assert json.loads(result.out)["skipped"] == "done before"


@pytest.mark.parametrize(
    "change",
    [
        *(f"{column} = x'00ff'" for column in ("name", "source", "stamp", "digest", "settings", "time", "state")),
        *(
            f"report = json_set(report, '$.{field}', 'text')"
            for field in ("seconds", "seconds.network", "sigma", "shot")
        ),
        "report = json_set(report, '$.unknown', 1)",
        *("report = json_set(report, '$.seconds', json('[]'))", "report = json_set(report, '$.camera', 7)"),
        *("report = replace(report, '\"sigma\": 0', '\"sigma\": 1e9990')", "report = x'5b5d'"),
        *("report = '[1, 2]'", f"report = '{100_000 * '['}'"),
    ],
)
def test_a_journal_with_values_of_another_kind_is_named(tmp_path, change):
    texts = dict.fromkeys(("source", "output", "camera", "noise_origin", "model", "model_sha256", "device"), "x")
    numbers = {"width": 1, "height": 1, "bad_pixels": 0, "shot": 1e-3, "read": 1e-6, "sigma": 0.01}
    found = {"evidence": (), "correlated": False, "clip": (1.0,), "warning": None, "seconds": {"network": 1.0}}
    report = DenoiseReport(**texts, **numbers, **found)
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.put(Entry("one.dng", "a/one.dng", "1 2", "0a", "[]", None, State.DONE, None, report, "now"))
        assert journal.entries()[0].report == report
    with closing(sqlite3.connect(path)) as database:
        assert database.execute(f"UPDATE jobs SET {change}").rowcount == 1
        database.commit()
    with Journal(path) as journal, pytest.raises(OutputError, match=r"is damaged .*; delete it") as failure:
        journal.entries()
    assert len(str(failure.value).splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links for all users")
def test_a_journal_that_is_a_link_to_nowhere_is_named(rawclean, shoot, tmp_path):
    (shoot / "denoised").mkdir()
    (shoot / "denoised" / "rawclean-journal.sqlite").symlink_to(tmp_path / "elsewhere.sqlite")
    for options in ((), ("--dry-run",)):
        one_line(rawclean("batch", shoot, *options), "rawclean-journal.sqlite: is a link that leads nowhere")
    assert not (tmp_path / "elsewhere.sqlite").exists()


def test_a_result_of_somebody_else_is_named(rawclean, shoot):
    (shoot / "denoised").mkdir()
    (shoot / "denoised" / "one.dng").write_text("mine")
    one_line(rawclean("batch", shoot), "denoised/one.dng: a result exists that no batch made", status=0)
    assert (shoot / "denoised" / "one.dng").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_is_no_file_is_named(rawclean, shoot, tmp_path):
    (tmp_path / "other").mkdir()
    (shoot / "linked").symlink_to(tmp_path / "other")
    for number in range(7):
        (shoot / f"lost{number}.nef").symlink_to(tmp_path / "never.nef")
    (shoot / "lost.txt").symlink_to(tmp_path / "never.txt")
    os.mkfifo(shoot / "pipe.dng")
    os.mkfifo(shoot / "pipe")
    result = rawclean("batch", shoot, "--quiet")
    assert result.status == 0
    lines = [line.partition(": ")[2].partition(": ")[2] for line in sorted(result.err.splitlines())]
    assert lines[0] == "1 left out, links to folders, which are not followed: linked"
    assert lines[1] == "1 left out, pipes, sockets or devices: pipe.dng"
    assert lines[2].startswith("7 left out, links that lead nowhere: lost")
    assert lines[2].endswith(", ...")


def test_a_batch_passes_over_what_is_denoised(rawclean, shoot, tmp_path):
    shutil.copy(shoot / "one.dng", shoot / "marked.dng")
    (shoot / "marked.dng.xmp").write_text('<x darktable:neural_restore="raw-denoise"/>')
    assert rawclean("denoise", shoot / "one.dng", "--quiet").status == 0
    (shoot / "one.dng").unlink()
    for _ in range(2):
        result = rawclean("batch", shoot)
        assert result.status == 0
        assert len(result.err.splitlines()) == 2
        assert "one_denoised.dng: is denoised already; --force denoises it again" in result.err
    assert not list((shoot / "denoised").glob("*.dng"))
    assert "denoised already" in rawclean("denoise", shoot / "one_denoised.dng", "-o", tmp_path / "twice.dng").err
    assert rawclean("batch", shoot, "--force", "--quiet").status == 0
    assert len(list((shoot / "denoised").glob("*.dng"))) == 2

"""--log FILE: what was done to each photo, in a file that only grows."""

import re
import shutil
import sys
from pathlib import Path

import platformdirs
import pytest

from rawclean.errors import OutputError
from rawclean.io.log_file import LogFile

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \d+ (INFO|WARNING|ERROR) (.*)")
ODD = 'caf\xe9 "$(reboot)" [red]' + ("" if sys.platform == "win32" else " a\nb \x1b[31m")


@pytest.fixture
def folder(tmp_path, monkeypatch, sample):
    """The working folder, with a shoot of a good photo of an odd name and a bad one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "shoot").mkdir()
    shutil.copy(sample, tmp_path / "shoot" / f"{ODD}.dng")
    (tmp_path / "shoot" / "bad.dng").write_bytes(sample.read_bytes()[:9000])
    return tmp_path


def entries(log: Path) -> list[tuple[str, str]]:
    """Level and text of each line, all of which must be of the form."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [LINE.fullmatch(line).groups() for line in lines]


@pytest.mark.parametrize("how", [(), ("--quiet",), ("--json",)])
def test_a_batch_is_logged_from_its_options_to_its_totals(rawclean, folder, how):
    result = rawclean("batch", "shoot", "--log", "log.txt", "--strength", "0.5", *how)
    assert result.status == 3
    (level, start), *photos, (_, totals), (_, end) = entries(folder / "log.txt")
    assert (level, start.startswith("rawclean ")) == ("INFO", True)
    assert "batch shoot --log log.txt --strength 0.5" in start
    assert sorted(level for level, _ in photos) == ["ERROR", "INFO"]
    assert any("bad.dng: its directories point beyond" in text for level, text in photos if level == "ERROR")
    assert any("\xe9" in text and "sigma" in text for level, text in photos if level == "INFO")
    assert totals.startswith("1 denoised, 0 skipped, 1 failed")
    assert end.startswith("ended with status 3 after ")


def test_one_photo_is_logged_and_a_second_run_is_added(rawclean, folder, sample):
    assert rawclean("denoise", sample, "-o", "out.dng", "--log", "log.txt", "--quiet").status == 0
    first = (folder / "log.txt").read_bytes()
    assert rawclean("denoise", sample, "-o", "out.dng", "--log", "log.txt").status == 1
    assert (folder / "log.txt").read_bytes().startswith(first)
    done, refused = entries(folder / "log.txt")[1], entries(folder / "log.txt")[4]
    assert done[0] == "INFO"
    assert done[1].startswith("out.dng: ")
    assert refused == ("ERROR", "out.dng: exists already; use --overwrite to replace it")


def test_warnings_and_defaults_of_files_are_logged(rawclean, folder, sample):
    (folder / "rawclean.toml").write_text("[denoise]\nnoise = '1e-3,1e-6'\nstrength = 0.25\n")
    assert rawclean("denoise", sample, "-o", "a.dng", "--log", "log.txt").status == 0
    assert rawclean("denoise", "a.dng", "-o", "b.dng", "--log", "log.txt").status == 0
    assert ("INFO", "by rawclean.toml: noise = 1e-3,1e-6, strength = 0.25") in entries(folder / "log.txt")
    assert any(level == "WARNING" and "denoised already" in text for level, text in entries(folder / "log.txt"))


def test_the_traceback_of_a_bug_is_logged(rawclean, folder, sample, monkeypatch):
    from rawclean import pipeline

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug\nin two lines")

    monkeypatch.setattr(pipeline, "denoise_file", broken)
    with pytest.raises(ZeroDivisionError):
        rawclean("denoise", sample, "-o", "out.dng", "--log", "log.txt")
    texts = [text for level, text in entries(folder / "log.txt") if level == "ERROR"]
    assert texts[0] == "Traceback (most recent call last):"
    assert texts[-2:] == ["ZeroDivisionError: a bug", "in two lines"]


def test_passwords_are_not_logged(rawclean, folder):
    url = "s3://anna:secret@bucket/shoot?token=secret"
    rawclean("denoise", "none.dng", "-o", url, "--log", "log.txt")
    assert "bucket" in (folder / "log.txt").read_text()
    assert "secret" not in (folder / "log.txt").read_text()


@pytest.mark.parametrize("name", ["shoot/bad.dng", "shoot", "none/log.txt", "notes.txt"])
def test_a_log_that_cannot_be_is_one_line_before_anything_is_done(rawclean, folder, sample, name):
    (folder / "notes.txt").write_text("dear diary\n")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = rawclean("denoise", sample, "-o", "out.dng", "--log", name)
    assert (result.status, result.out) == (1, "")
    assert f"rawclean: {name}: " in result.err
    assert len(result.err.splitlines()) == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_fills_up_ends_the_log_with_a_line_and_not_the_work(tmp_path):
    import logging

    told = []
    log = LogFile(tmp_path / "log.txt", told.append)
    log.setStream(Path("/dev/full").open("w")).close()  # noqa: SIM115 (the log closes it)
    for text in ("one", "two"):
        log.handle(logging.LogRecord("rawclean", logging.INFO, "", 0, text, None, None))
    log.close()
    assert len(told) == 1
    assert "log.txt: cannot be written any more ([Errno 28]" in told[0]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Unix")
def test_a_pipe_is_no_log(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is no file"):
        LogFile(tmp_path / "pipe", print)


def test_only_the_user_says_where_a_log_is(rawclean, folder, sample):
    (folder / "rawclean.toml").write_text('log = "theirs.txt"\n')
    home = platformdirs.user_config_path("rawclean")
    home.mkdir(parents=True)
    (home / "rawclean.toml").write_text('log = "mine.txt"\n')
    assert rawclean("denoise", sample, "-o", "out.dng").status == 0
    assert (folder / "mine.txt").exists()
    assert not (folder / "theirs.txt").exists()

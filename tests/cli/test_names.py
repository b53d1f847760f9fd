"""Names are bytes: no markup, no URL, no home folder, no template, and no news for the terminal."""

import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from rawclean.batch.journal import Journal, journal_path
from rawclean.batch.plan import Selection, plan_jobs
from rawclean.batch.storage import is_local, join, local_path
from rawclean.core.printable import escaped, without_credentials
from rawclean.io.scratch import scratch_folder
from rawclean.io.targets import Naming, plan_targets
from rawclean.io.walk import LeftOut

LATIN = os.fsdecode(b"caf\xe9.dng")
NAMES = [
    *("a[/red].dng", "x.dng::y.dng", "{stem}.dng", "100% *?.dng", "~.dng", "new\nline.dng", "\x1b[31mred.dng"),
    pytest.param(LATIN, id="latin"),
]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")


@pytest.fixture
def shoot(tmp_path):
    folder = tmp_path / "shoot"
    folder.mkdir()
    return folder


def made(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*.dng")}


@posix
@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_that_of_a_photo(rawclean, shoot, sample, name, tmp_path):
    (shoot / name).parent.mkdir(exist_ok=True)
    shutil.copy(sample, shoot / name)
    result = rawclean("batch", shoot, "--out", tmp_path / "out", "--report", tmp_path / "page.html")
    assert (result.status, result.err) == (0, "")
    assert made(tmp_path / "out") == {name}
    assert not set("\x1b\udce9") & set(result.out + (tmp_path / "page.html").read_text())
    again = rawclean("batch", shoot, "--out", tmp_path / "out", "--json")
    assert json.loads(again.out)["skipped"] == "done before"
    result = tmp_path / Path(name).name
    assert rawclean("denoise", shoot / name, "-o", result).status == 0
    for arguments in (("info", result), ("noise", result), ("verify", result, shoot / name)):
        answer = rawclean(*arguments)
        assert answer.status == 0, arguments
        assert not set("\x1b\udce9") & set(answer.out + answer.err)


@posix
def test_a_sidecar_of_a_name_that_is_no_text_goes_along(rawclean, shoot, sample, tmp_path):
    shutil.copy(sample, shoot / LATIN)
    (shoot / f"{LATIN}.xmp").write_bytes(b"of darktable")
    assert rawclean("batch", shoot, "--out", tmp_path / "out", "--quiet").status == 0
    assert (tmp_path / "out" / f"{LATIN}.xmp").read_bytes() == b"of darktable"


@posix
def test_names_on_a_terminal_are_no_markup(shoot, sample):
    (shoot / "a[").mkdir()
    shutil.copy(sample, shoot / "a[/red].dng")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rawclean", "batch", shoot]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = bytearray()
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    assert b"a[/red].dng" in shown


def test_a_folder_named_like_the_home_folder_is_a_folder(rawclean, tmp_path, sample, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    shutil.copy(sample, tmp_path / "~" / "one.dng")
    assert rawclean("batch", "~", "--quiet").status == 0
    assert (
        rawclean("batch", "~", "--quiet", "--out", "~/again", "--name", "~/{stem}", "--exclude", "denoised/*").status
        == 0
    )
    assert made(tmp_path / "~") == {"one.dng", "denoised/one.dng", "again/~/one.dng"}
    assert not list(home.iterdir())


@pytest.mark.parametrize("place", ["~/x", "x.dng::y.dng", "simplecache::memory://x", "a:b", "http:/x", "C://x"])
def test_a_place_is_a_url_only_where_a_scheme_begins_it(place):
    assert is_local(place)
    assert local_path(place) == Path(place)


def test_a_name_below_a_url_stays_a_name():
    assert join("s3://bucket/in", "x.dng::file:") == "s3://bucket/in/x.dng::file:"


@posix
def test_links_to_photos_are_photos(rawclean, shoot, sample, tmp_path):
    (shoot / "link.dng").symlink_to(sample)
    (shoot / "nowhere.dng").symlink_to(tmp_path / "not there.dng")
    (shoot / "round").symlink_to(shoot)
    assert rawclean("batch", shoot, "--quiet").status == 0
    assert made(shoot / "denoised") == {"link.dng"}


def test_names_that_differ_in_case_or_form_are_told_apart(shoot):
    photos = ["IMG.dng", "img.dng", "img_2.dng", "caf\u00e9.dng", "cafe\u0301.dng"]
    for name in photos:
        (shoot / name).write_bytes(name.encode())
    if len(list(shoot.iterdir())) < len(photos):
        pytest.skip("this file system takes them for one")
    jobs = {Path(job.source).name: job.name for job in plan_jobs(str(shoot), str(shoot / "out"), Selection())}
    assert jobs["IMG.dng"] == "IMG.dng"
    assert jobs["img.dng"] == "img_2.dng"
    assert len({name.casefold() for name in jobs.values()}) == len(photos)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to run as somebody else")
def test_a_folder_that_may_not_be_read_is_named(tmp_path, sample):
    shoot = tmp_path / "shoot"
    (shoot / "closed").mkdir(parents=True)
    (shoot / "closed").chmod(0)
    (shoot / "listed").mkdir()
    shutil.copy(sample, shoot / "listed" / "never.dng")
    (shoot / "listed").chmod(0o744)
    for folder in shoot.parents:
        if os.access(folder, os.W_OK) and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o055)
    shutil.copy(sample, shoot / "one.dng")
    told, blocked = [], {}
    os.seteuid(65534)
    try:
        jobs = plan_jobs(str(shoot), str(shoot / "out"), Selection(), lambda *what: told.append(what))
        targets = plan_targets([str(shoot)], Naming(), blocked.setdefault)
    finally:
        os.seteuid(0)
    assert [job.name for job in jobs] == ["one.dng"]
    assert ("closed", LeftOut.BLOCKED, "Permission denied") in told
    assert {what[:2] for what in told} == {(name, LeftOut.BLOCKED) for name in ("closed", "listed")}
    assert [target.source.name for target in targets] == ["one.dng"]
    assert set(blocked) == {shoot / "closed", shoot / "listed"}


def test_text_is_harmless():
    assert escaped(f"a\x1b[2J\n\u202e{LATIN}") == r"a\x1b[2J\n\u202ecaf\xe9.dng"
    assert without_credentials("sftp://me:word@host/a@b.dng") == "sftp://***@host/a@b.dng"
    assert without_credentials("s3://bucket/photo@2x.dng") == "s3://bucket/photo@2x.dng"
    assert without_credentials("https://h/x?a=1&X-Amz-Signature=abc") == "https://h/x?a=1&X-Amz-Signature=***"


def test_every_target_has_its_own_journal_without_credentials():
    paths = [journal_path(url) for url in ("s3://a-b/c", "s3://a/b/c", "sftp://me:word@host/c")]
    assert len({path.name for path in paths}) == 3
    assert "word" not in str(paths)
    assert journal_path("sftp://me:word@host/c/") == journal_path("sftp://you:other@host/c")


@posix
def test_a_journal_keeps_names_as_bytes(tmp_path):
    (tmp_path / LATIN).write_bytes(b"")
    (job,) = plan_jobs(str(tmp_path), str(tmp_path / "out"), Selection())
    for _ in range(2):
        with Journal(tmp_path / "journal.sqlite") as journal:
            journal.begin(job, "", None)
            assert journal.find(job.name).source == str(tmp_path / LATIN)
            assert [entry.name for entry in journal.entries()] == [LATIN]


@posix
def test_links_of_a_run_that_was_killed_are_removed_by_a_later_one(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    shutil.copy(sample, tmp_path / LATIN)
    leave = "import os, sys; from pathlib import Path; from rawclean.io.spelled import spelled\n"
    leave += "spelled(Path(os.fsdecode(sys.argv[1]))); os.kill(os.getpid(), 9)"
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    subprocess.run([sys.executable, "-c", leave, tmp_path / LATIN], env=environment)
    (left,) = (tmp_path / "temporary").iterdir()
    for age, kept in ((3600, True), (3 * 24 * 3600, False)):
        os.utime(left, times=(0, time.time() - age))
        scratch_folder().cleanup()
        assert left.exists() == kept
    assert (tmp_path / LATIN).read_bytes() == sample.read_bytes()

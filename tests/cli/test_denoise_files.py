"""Files, folders and streams that `rawclean denoise` takes and makes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def shoot(tmp_path, sample):
    """A folder with two photos, one of them in a sub-folder, and a file that is none."""
    folder = tmp_path / "shoot"
    (folder / "day 2").mkdir(parents=True)
    shutil.copy(sample, folder / "a.dng")
    shutil.copy(sample, folder / "day 2" / "-b $(x).dng")
    (folder / "notes.txt").write_text("no photo")
    return folder


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_results_lie_beside_their_photos(rawclean, shoot):
    assert rawclean("denoise", shoot / "a.dng", shoot / "day 2", "-q").status == 0
    made = ["a.dng", "a_denoised.dng", "day 2/-b $(x).dng", "day 2/-b $(x)_denoised.dng", "notes.txt"]
    assert files_in(shoot) == made


def test_a_folder_that_is_missing_is_made_and_keeps_sub_folders(rawclean, shoot, tmp_path):
    assert rawclean("denoise", shoot, "-o", f"{tmp_path}/new/clean/", "-q").status == 0
    assert files_in(tmp_path / "new" / "clean") == ["a.dng", "day 2/-b $(x).dng"]


def test_suffix_and_format(rawclean, shoot, tmp_path):
    options = ("--suffix", "_x", "--format", "png", "-q")
    assert rawclean("denoise", shoot / "a.dng", "-o", f"{tmp_path}/out/", *options).status == 0
    assert rawclean("denoise", shoot / "a.dng", *options).status == 0
    assert files_in(tmp_path / "out") == ["a_x.png"]
    assert (shoot / "a_x.png").is_file()


def test_no_parents_refuses_to_make_folders(rawclean, shoot, tmp_path):
    for output in (f"{tmp_path}/new/", tmp_path / "new" / "a.dng"):
        result = rawclean("denoise", shoot / "a.dng", "-o", output, "--no-parents")
        assert result.status == 1
        assert "no such folder; make it first" in result.err
    assert not (tmp_path / "new").exists()


def test_a_photo_that_fails_leaves_no_folder(rawclean, tmp_path):
    (tmp_path / "bad.dng").write_bytes(b"no photo at all")
    assert rawclean("denoise", tmp_path / "bad.dng", "-o", tmp_path / "new" / "bad.dng").status == 1
    assert not (tmp_path / "new").exists()


def test_a_file_in_place_of_a_folder_is_one_line(rawclean, shoot):
    result = rawclean("denoise", shoot / "a.dng", "-o", shoot / "notes.txt" / "a.dng")
    assert (result.status, result.err.count("\n")) == (1, 1)
    assert (shoot / "notes.txt").read_text() == "no photo"


def test_one_bad_photo_does_not_keep_the_others(rawclean, shoot, tmp_path):
    (shoot / "bad.dng").write_bytes(b"no photo at all")
    result = rawclean("denoise", shoot, tmp_path / "gone.dng", "-o", f"{tmp_path}/out/", "--json")
    assert result.status == 3
    told = [json.loads(line) for line in result.out.splitlines()]
    assert ["error" in each for each in told] == [False, True, False, True]
    assert "bad.dng" in result.err
    assert "gone.dng: no such file" in result.err
    assert len(files_in(tmp_path / "out")) == 2


def test_results_of_before_are_passed_over(rawclean, shoot):
    assert rawclean("denoise", shoot / "a.dng", "-q").status == 0
    again = rawclean("denoise", shoot / "a.dng", shoot / "a_denoised.dng", "--overwrite")
    assert again.status == 0
    assert "a_denoised.dng: passed over" in again.out
    assert not (shoot / "a_denoised_denoised.dng").exists()


def test_the_folder_of_the_photos_is_no_folder_that_loses_them(rawclean, shoot, sample):
    assert rawclean("denoise", shoot / "a.dng", "-o", shoot, "-q").status == 0
    assert (shoot / "a.dng").read_bytes() == sample.read_bytes()
    assert (shoot / "a_denoised.dng").is_file()
    refused = rawclean("denoise", shoot / "a.dng", "-o", shoot, "--suffix", "", "--overwrite")
    assert "is the source itself" in refused.err
    assert (shoot / "a.dng").read_bytes() == sample.read_bytes()


def test_photos_of_one_name_keep_their_kind(rawclean, shoot, shared, tmp_path):
    camera = next(path for path in sorted((shared / "raw").iterdir()) if path.suffix.lower() == ".nef")
    shutil.copy(camera, shoot / "A.NEF")
    assert rawclean("denoise", shoot / "a.dng", shoot / "A.NEF", "-o", f"{tmp_path}/out/", "-q").status == 0
    assert files_in(tmp_path / "out") == ["A_nef.dng", "a_dng.dng"]


def test_two_photos_are_never_one_result(rawclean, shoot, sample, tmp_path):
    shutil.copy(sample, shoot / "day 2" / "a.dng")
    result = rawclean("denoise", shoot / "a.dng", shoot / "day 2" / "a.dng", "-o", f"{tmp_path}/out/")
    assert result.status == 2
    assert "would both become" in result.err
    assert not (tmp_path / "out").exists()


def test_a_photo_is_never_the_result_of_another(rawclean, shoot, sample):
    shutil.copy(sample, shoot / "a_2.dng")
    before = (shoot / "a_2.dng").read_bytes()
    named = rawclean("denoise", shoot / "a.dng", shoot / "a_2.dng", "--suffix", "_2", "--overwrite")
    assert named.status == 2
    assert "a_2.dng: would become the result of" in named.err
    linked = shoot / "link.dng"
    linked.hardlink_to(shoot / "a_2.dng")
    assert rawclean("denoise", shoot / "a.dng", linked, "--suffix", "_2", "--overwrite").status == 2
    assert (shoot / "a_2.dng").read_bytes() == before


def test_results_of_before_may_be_replaced_where_they_lie_among_the_photos(rawclean, shoot):
    for _ in range(2):
        assert rawclean("denoise", shoot, "--overwrite", "-q").status == 0
    assert len(files_in(shoot)) == 5


def test_the_only_photo_of_a_folder_is_passed_over_if_it_is_denoised(rawclean, shoot):
    assert rawclean("denoise", shoot / "day 2", "-o", f"{shoot}/clean/", "-q").status == 0
    again = rawclean("denoise", shoot / "clean")
    assert (again.status, "passed over" in again.out) == (0, True)


def test_a_warning_names_its_photo(rawclean, shoot):
    result = rawclean("denoise", shoot / "a.dng", "--noise", "1e-6,1e-8", "--bad-pixels", "off")
    assert f"warning: {shoot / 'a.dng'}: " in result.err


@pytest.mark.parametrize("arguments", ["{long}.dng", "a.dng -o {long}", "a.dng -o {long}.dng", "a.dng -o {long}/"])
def test_a_name_that_is_too_long_is_one_line(rawclean, shoot, monkeypatch, arguments):
    monkeypatch.chdir(shoot)
    result = rawclean("denoise", *arguments.format(long="x" * 300).split())
    assert result.status in (1, 2)
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        "a.dng -o out.dng --suffix _x",
        "a.dng -o out.png --format dng",
        "a.dng --suffix ../x",
        "a.dng --suffix a/b",
        "empty",
        ". -o out.dng",
        "a.dng a.dng ./a.dng -o clean.png",
        "s3://bucket/a.dng",
        "a.dng -o s3://bucket/out/",
        "a.dng -o - --json",
        "a.dng a.dng -o - ./a.dng",
        "- a.dng",
        "a.dng -o -",
        "-",
    ],
)
def test_what_does_not_go_together_is_one_line(shoot, arguments):
    pty = pytest.importorskip("pty")
    (shoot / "empty").mkdir()
    before = files_in(shoot)
    _, terminal = pty.openpty()
    run = subprocess.run(
        command(*arguments.split()), cwd=shoot, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, text=True
    )
    assert run.returncode == 2 if arguments != "empty" else 1
    assert run.stderr.count("\n") == 1, run.stderr
    assert files_in(shoot) == before


def command(*arguments):
    return [sys.executable, "-m", "rawclean", "denoise", *map(str, arguments)]


@pytest.mark.parametrize("arguments", ["-", "- -o -", "- -o - --format tiff"])
def test_a_photo_goes_through_streams(rawclean, sample, tmp_path, arguments):
    with sample.open("rb") as photo:
        run = subprocess.run(command(*arguments.split()), stdin=photo, capture_output=True)
    assert (run.returncode, run.stderr) == (0, b"")
    suffix = ".tiff" if "tiff" in arguments else ".dng"
    assert rawclean("denoise", sample, "-o", tmp_path / f"out{suffix}", "-q").status == 0
    assert run.stdout == (tmp_path / f"out{suffix}").read_bytes()


def test_one_end_may_be_a_file(rawclean, sample, tmp_path):
    with sample.open("rb") as photo:
        assert subprocess.run(command("-", "-o", tmp_path / "out.dng", "-q"), stdin=photo).returncode == 0
    run = subprocess.run(command(sample, "-o", "-"), capture_output=True)
    assert run.stdout == (tmp_path / "out.dng").read_bytes()


def test_what_is_wrong_with_a_stream_is_one_line(sample):
    bad = subprocess.run(command("-", "-o", "-"), input=b"no photo at all", capture_output=True)
    assert (bad.returncode, bad.stdout, bad.stderr.count(b"\n")) == (1, b"", 1)
    assert b"standard input: " in bad.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_stream_that_takes_nothing_is_one_line(sample):
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(command(sample, "-o", "-"), stdout=full, stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr.count(b"\n")) == (1, 1)


def test_several_photos_load_a_model_once(shoot, tmp_path):
    code = (
        "import sys, rawclean.engines.pick as pick, rawclean.denoiser as denoiser\n"
        "made = []\n"
        "real = denoiser.pick_engine\n"
        "denoiser.pick_engine = lambda *how: made.append(how) or real(*how)\n"
        "from rawclean.cli.main import run\n"
        "try:\n    run()\nfinally:\n    print(len(made))"
    )
    arguments = ["denoise", str(shoot), "-o", f"{tmp_path}/out/", "-q"]
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert run.stdout.split() == ["1"], run.stderr

import json
import multiprocessing
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from rawclean.batch.journal import Journal, journal_path
from rawclean.batch.plan import Selection, plan_jobs
from rawclean.batch.run import Run, run_jobs
from rawclean.batch.workers import Workers
from rawclean.core.cfa_family import CfaFamily
from rawclean.models.manifest import find_model
from rawclean.settings import DenoiseSettings


@pytest.fixture
def shoot(tmp_path, sample):
    """Two good photos, one of them in a sub-folder, one broken, and files that are no photos."""
    folder = tmp_path / "shoot"
    (folder / "day 2").mkdir(parents=True)
    shutil.copy(sample, folder / "one.dng")
    shutil.copy(sample, folder / "day 2" / "two.DNG")
    (folder / "broken.dng").write_bytes(sample.read_bytes()[:5000])
    (folder / "notes.txt").write_text("no photo")
    return folder


def results(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".sqlite"
    )


def test_one_bad_file_does_not_end_the_run(rawclean, shoot, tmp_path):
    result = rawclean("batch", shoot, "--out", tmp_path / "out", "--iso-auto")
    assert result.status == 3
    assert results(tmp_path / "out") == ["day 2/two.dng", "one.dng"]
    assert len(result.err.splitlines()) == 1
    assert "broken.dng" in result.err


def batch_lines(rawclean, *arguments):
    """The outcomes of a batch by the name of the photo."""
    result = rawclean("batch", *arguments, "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    return {Path(line["job"]["source"]).name: line for line in lines}


WATCHED = """
import sys
from rawclean.cli import main

if __name__ == "__main__":
    try:
        main.run()
    finally:
        print("torch" in sys.modules)
"""


def test_the_process_that_watches_loads_no_torch(shoot, tmp_path):
    """Loading it twice costs seconds at every start."""
    program = tmp_path / "program.py"
    program.write_text(WATCHED)
    command = [sys.executable, program, "batch", shoot, "--include", "one.dng", "--json"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert json.loads(lines[0])["report"]
    assert lines[1:] == ["False"]


def test_a_second_run_does_only_what_is_missing(rawclean, shoot):
    (shoot / "broken.dng").unlink()
    assert rawclean("batch", shoot).status == 0
    done = {path: path.stat().st_mtime_ns for path in (shoot / "denoised").rglob("*.dng")}
    assert len(done) == 2
    (shoot / "denoised" / "one.dng").unlink()
    lines = batch_lines(rawclean, shoot)
    assert lines["one.dng"]["report"] is not None
    assert lines["two.DNG"]["skipped"] == "done before"
    kept = shoot / "denoised" / "day 2" / "two.dng"
    assert kept.stat().st_mtime_ns == done[kept]


def test_results_in_the_folder_are_no_sources(rawclean, shoot, monkeypatch):
    (shoot / "broken.dng").unlink()
    monkeypatch.chdir(shoot.parent)
    for out in ("shoot/done", shoot / "done", "shoot/../shoot/done"):
        assert rawclean("batch", "shoot", "--out", out).status == 0
    assert results(shoot / "done") == ["day 2/two.dng", "one.dng"]


def test_results_of_one_name_do_not_collide(rawclean, shoot, sample):
    (shoot / "broken.dng").unlink()
    shutil.copy(sample, shoot / "one.nef")
    assert rawclean("batch", shoot, "--format", "png").status == 0
    assert results(shoot / "denoised") == ["day 2/two.png", "one_dng.png", "one_nef.png"]


def test_all_failed_is_status_1(rawclean, shoot):
    for path in (shoot / "one.dng", shoot / "day 2" / "two.DNG"):
        path.unlink()
    assert rawclean("batch", shoot).status == 1


def test_a_folder_without_photos_is_an_error(rawclean, tmp_path):
    result = rawclean("batch", tmp_path)
    assert result.status == 1
    assert "no RAW photos" in result.err


def test_a_batch_gives_what_denoise_gives(rawclean, shoot, sample, tmp_path):
    for number in range(3):
        shutil.copy(sample, shoot / f"more{number}.dng")
    lines = batch_lines(rawclean, shoot)
    assert len(lines) == 6
    assert [name for name, line in lines.items() if line["error"]] == ["broken.dng"]
    assert rawclean("denoise", sample, "-o", tmp_path / "alone.dng").status == 0
    alone = (tmp_path / "alone.dng").read_bytes()
    assert (shoot / "denoised" / "more1.dng").read_bytes() == alone
    assert (shoot / "denoised" / "day 2" / "two.dng").read_bytes() == alone


def test_globs_select_photos_by_name_or_path(rawclean, shoot, sample):
    shutil.copy(sample, shoot / "three.nef")
    assert set(batch_lines(rawclean, shoot, "--dry-run", "--include", "*.NEF")) == {"three.nef"}
    assert set(batch_lines(rawclean, shoot, "--dry-run", "--include", "*.dng", "--exclude", "day 2/*")) == {
        "one.dng",
        "broken.dng",
    }
    nothing = rawclean("batch", shoot, "--include", "*.cr2")
    assert (nothing.status, "selected" in nothing.err) == (1, True)


def test_a_template_names_the_results(rawclean, shoot):
    (shoot / "broken.dng").unlink()
    assert rawclean("batch", shoot, "--name", "{folder}/{ext}_{stem}_clean", "--quiet").status == 0
    assert results(shoot / "denoised") == ["day 2/dng_two_clean.dng", "dng_one_clean.dng"]


@pytest.mark.parametrize(
    ("template", "word", "status"),
    [
        ("{iso}", "{stem}, {ext}, {folder}", 2),
        ("../{stem}", "out of", 2),
        ("{folder}/", "no name", 2),
        ("all", "would both become", 2),
        ("{stem:>999999999}", "{stem}, {ext}, {folder}", 2),
        ("{stem!r}", "{stem}, {ext}, {folder}", 2),
        ("{stem.__class__}", "{stem}, {ext}, {folder}", 2),
        ("{}", "{stem}, {ext}, {folder}", 2),
        ("{stem", "{stem}, {ext}, {folder}", 2),
        ("{folder}_{stem}", "would hide broken.dng", 2),
    ],
)
def test_a_bad_template_is_one_clear_line(rawclean, shoot, template, word, status):
    result = rawclean("batch", shoot, "--name", template)
    assert result.status == status
    assert word in result.err
    assert len(result.err.splitlines()) == 1
    assert not (shoot / "denoised").exists()


def test_a_dry_run_tells_the_model_and_writes_nothing(rawclean, shoot):
    lines = batch_lines(rawclean, shoot, "--dry-run")
    assert find_model(lines["one.dng"]["model"]).mosaic is CfaFamily.BAYER
    assert lines["one.dng"]["sigma"] == pytest.approx(0.0347, abs=1e-3)
    assert lines["one.dng"]["output"] == str(shoot / "denoised" / "one.dng")
    assert "beyond the end" in lines["broken.dng"]["error"]
    assert not (shoot / "denoised").exists()


def test_a_dry_run_after_a_run_tells_what_is_left(rawclean, shoot):
    rawclean("batch", shoot)
    lines = batch_lines(rawclean, shoot, "--dry-run")
    assert lines["one.dng"]["skipped"] == "done before"
    assert lines["broken.dng"]["error"]


def test_the_totals_say_which_model_the_noise_called_for(rawclean, shoot):
    sigma = json.loads(rawclean("info", shoot / "one.dng", "--json").out)["sigma_at_18_percent"]
    out = rawclean("batch", shoot).out
    assert "models by noise" in out
    assert f"{sigma:.4f} to {sigma:.4f}" in out


def test_any_executor_will_do(shoot, tmp_path):
    settings, folder = DenoiseSettings(), str(tmp_path / "out")
    jobs = plan_jobs(str(shoot), folder, Selection())
    with (
        Journal(journal_path(folder)) as journal,
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor,
    ):
        run = Run(settings, journal, Workers(executor, lambda: 2, watched=False))
        outcomes = list(run_jobs(run, jobs, {}))
    assert sorted((outcome.job.name, outcome.error is None) for outcome in outcomes) == [
        ("broken.dng", False),
        ("day 2/two.dng", True),
        ("one.dng", True),
    ]
    assert results(tmp_path / "out") == ["day 2/two.dng", "one.dng"]


def test_a_dry_run_needs_no_right_to_write_and_no_turn(rawclean, shoot):
    assert rawclean("batch", shoot, "--include", "one.dng", "-q").status == 0
    folder = shoot / "denoised"
    with Journal(journal_path(str(folder))):  # a run is at work
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        lines = batch_lines(rawclean, shoot, "--dry-run")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert lines["one.dng"]["skipped"] == "done before"
    assert find_model(lines["two.DNG"]["model"]).mosaic is CfaFamily.BAYER


def test_the_report_is_no_folder_of_results(rawclean, shoot, tmp_path):
    result = rawclean("batch", shoot, "-o", tmp_path / "new", "--report", tmp_path / "new")
    assert (result.status, "is the folder of the results" in result.err) == (2, True)
    assert not (tmp_path / "new").exists()

import json
import shutil

import pytest


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
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_one_bad_file_does_not_end_the_run(rawclean, shoot, tmp_path):
    result = rawclean("batch", shoot, "--out", tmp_path / "out", "--iso-auto")
    assert result.status == 3
    assert results(tmp_path / "out") == ["day 2/two.dng", "one.dng"]
    assert len(result.err.splitlines()) == 1
    assert "broken.dng" in result.err


def test_a_second_run_does_only_what_is_missing(rawclean, shoot):
    (shoot / "broken.dng").unlink()
    assert rawclean("batch", shoot).status == 0
    done = {path: path.stat().st_mtime_ns for path in (shoot / "denoised").rglob("*.dng")}
    assert len(done) == 2
    (shoot / "denoised" / "one.dng").unlink()
    lines = [json.loads(line) for line in rawclean("batch", shoot, "--json").out.splitlines()]
    assert [line["report"] is not None for line in lines] == [False, True]
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


def test_a_batch_gives_in_order_what_denoise_gives(rawclean, shoot, sample, tmp_path):
    for number in range(3):
        shutil.copy(sample, shoot / f"more{number}.dng")
    lines = [json.loads(line) for line in rawclean("batch", shoot, "--json").out.splitlines()]
    sources = [line["job"]["source"] for line in lines]
    assert sources == sorted(sources)
    assert [line["error"] is not None for line in lines] == ["broken" in source for source in sources]
    assert rawclean("denoise", sample, "-o", tmp_path / "alone.dng").status == 0
    alone = (tmp_path / "alone.dng").read_bytes()
    assert (shoot / "denoised" / "more1.dng").read_bytes() == alone
    assert (shoot / "denoised" / "day 2" / "two.dng").read_bytes() == alone

"""rawclean from Python: its examples, and mosaics that are in memory."""

import doctest
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import rawpy
from dng_factory import make_frame, write_dng
from noisy_planes import with_noise

import rawclean
import rawclean.api
from rawclean.batch.resume import Redo
from rawclean.core.noise import NoiseModel
from rawclean.core.xtrans import CANONICAL
from rawclean.errors import InvalidLevelsError, InvalidNoiseError, UnreadablePhotoError, UnsupportedSensorError


@pytest.fixture
def rawclean_command(request):
    """The command line, whose fixture has the name of the package."""
    return request.getfixturevalue("rawclean")


def test_the_examples_are_true(tmp_path, monkeypatch):
    (tmp_path / "tests" / "data").mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "data" / "guitar.dng", tmp_path / "tests" / "data")
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(rawclean.api)
    assert result.attempted >= 10
    assert result.failed == 0


def test_a_folder_is_denoised_as_the_command_does(rawclean_command, tmp_path):
    (tmp_path / "shoot").mkdir()
    for name in ("one", "two"):
        write_dng(tmp_path / "shoot" / f"{name}.dng", make_frame((96, 128)))
    (tmp_path / "shoot" / "broken.dng").write_bytes(b"no photo")
    outcomes = list(rawclean.run_batch(tmp_path / "shoot", tmp_path / "a", strength=0.5, report=tmp_path / "a.html"))
    assert sorted((outcome.job.name, outcome.error is None) for outcome in outcomes) == [
        ("broken.dng", False),
        ("one.dng", True),
        ("two.dng", True),
    ]
    assert "rawclean" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert rawclean_command("batch", tmp_path / "shoot", "-o", tmp_path / "b", "--strength", "0.5").status == 3
    for name in ("one.dng", "two.dng"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    again = list(rawclean.run_batch(tmp_path / "shoot", tmp_path / "a", strength=0.5, redo=Redo.FAILED))
    assert [outcome.job.name for outcome in again if outcome.skipped is None] == ["broken.dng"]


WITHOUT_GUARD = """
import rawclean
print("begun")
for outcome in rawclean.run_batch("shoot"):
    print(outcome.job.name, outcome.error)
"""


@pytest.mark.parametrize("how", [["script.py"], ["-m", "script"], ["-m", "package.script"], ["-c", WITHOUT_GUARD]])
def test_a_script_without_guard_denoises_a_folder_once(how, tmp_path):
    (tmp_path / "shoot").mkdir()
    (tmp_path / "package").mkdir()
    for script in (tmp_path / "script.py", tmp_path / "package" / "script.py"):
        script.write_text(WITHOUT_GUARD)
    write_dng(tmp_path / "shoot" / "one.dng", make_frame((96, 128)))
    ended = subprocess.run([sys.executable, *how], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split("\n") == ["begun", "one.dng None", ""]


def test_a_batch_that_the_caller_leaves_early_goes_on_where_it_was(tmp_path):
    (tmp_path / "shoot").mkdir()
    for name in ("one", "two", "three", "four"):
        write_dng(tmp_path / "shoot" / f"{name}.dng", make_frame((96, 128)))
    with closing(rawclean.run_batch(tmp_path / "shoot")) as outcomes:
        first = next(outcomes)
    rest = list(rawclean.run_batch(tmp_path / "shoot"))
    assert first.report is not None
    assert first.job.name in {outcome.job.name for outcome in rest if outcome.skipped}
    assert all(outcome.error is None for outcome in rest)
    assert len(list((tmp_path / "shoot" / "denoised").glob("*.dng"))) == 4


def test_what_would_fail_every_photo_is_raised_at_once(tmp_path):
    with pytest.raises(UnreadablePhotoError, match="no such folder"):
        rawclean.run_batch(tmp_path / "nowhere")
    with pytest.raises(TypeError, match="strenght"):
        rawclean.run_batch(tmp_path, strenght=0.5)


def noisy_ramp(side: int = 192) -> tuple[np.ndarray, np.ndarray]:
    clean = np.broadcast_to(np.linspace(0.05, 0.6, side, dtype=np.float32), (side, side))
    noise = NoiseModel(np.float32([4e-3]), np.float32([1e-5]))
    return clean, with_noise(clean[None], noise)[0]


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG", "", "".join(CANONICAL)])
@pytest.mark.parametrize("settings", [{}, {"noise": (4e-3, 1e-5)}])
def test_a_mosaic_of_any_pattern_is_denoised(pattern, settings):
    clean, noisy = noisy_ramp()
    codes = (noisy * 4000 + 200).round().astype(np.int32)
    denoised = rawclean.denoise_mosaic(codes, pattern, 200, 4200, **settings)
    assert denoised.dtype == np.float32
    error, before = denoised - (clean * 4000 + 200), codes - (clean * 4000 + 200)
    assert np.square(error).mean() < 0.05 * np.square(before).mean()


def test_a_mosaic_from_rawpy_gives_what_its_file_gives(tmp_path):
    frame = make_frame((128, 192))
    path = write_dng(tmp_path / "in.dng", frame)
    noise = (1e-3, 1e-6)
    rawclean.denoise_file(path, tmp_path / "out.dng", noise=noise)
    with rawpy.imread(str(path)) as raw:
        denoised = rawclean.denoise_mosaic(raw.raw_image_visible, "RGGB", [[512, 512], [512, 512]], 16383, noise=noise)
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        factor = raw.white_level / 16383
        stored = raw.raw_image_visible.astype(np.float32) / factor
    assert factor >= 2
    assert np.abs(denoised - stored).max() <= 0.51 / factor


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((np.ones((64, 64)), "RGBW", 0, 1), UnsupportedSensorError),
        ((np.ones((8, 64)), "RGGB", 0, 1), UnsupportedSensorError),
        ((np.ones((3, 64, 64)), "RGGB", 0, 1), UnsupportedSensorError),
        ((np.full((64, 64), np.nan), "RGGB", 0, 1), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", 2, 1), InvalidLevelsError),
        ((np.full((64, 64), 0.5), "RGGB", 0, 1), InvalidNoiseError),
    ],
)
def test_what_is_no_mosaic_is_refused(arguments, error):
    with pytest.raises(error):
        rawclean.denoise_mosaic(*arguments)


def test_the_package_offers_nothing_else():
    with pytest.raises(AttributeError, match="no attribute 'denoise'"):
        _ = rawclean.denoise

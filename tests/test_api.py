"""rawclean from Python: its examples, and mosaics that are in memory."""

import doctest
import pickle
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
from rawclean.batch.resume import Redo, settings_key
from rawclean.core.choices import Quality
from rawclean.core.noise import NoiseModel
from rawclean.core.shares import ByIso
from rawclean.core.xtrans import CANONICAL
from rawclean.engines.choices import DeviceChoice
from rawclean.errors import (
    InvalidLevelsError,
    InvalidNoiseError,
    UnreadablePhotoError,
    UnsupportedSensorError,
    UsageError,
)
from rawclean.settings import DenoiseSettings


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


@pytest.mark.parametrize("redo", [Redo.FAILED, "failed"])
def test_a_folder_is_denoised_as_the_command_does(rawclean_command, tmp_path, redo):
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
    again = list(rawclean.run_batch(tmp_path / "shoot", tmp_path / "a", strength=0.5, redo=redo))
    assert [outcome.job.name for outcome in again if outcome.skipped is None] == ["broken.dng"]


WITHOUT_GUARD = """
import rawclean
print("begun")
for outcome in rawclean.run_batch("shoot", quality="fast"):
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
    with pytest.raises(UsageError, match="quality is 'fats'; give one of fast, standard, best"):
        rawclean.run_batch(tmp_path, quality="fats")
    for option in ({"redo": "some"}, {"timeout": "long"}, {"timeout": 0}, {"max_memory": "2G"}):
        with pytest.raises(UsageError, match=next(iter(option))):
            rawclean.run_batch(tmp_path, **option)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *(
            (share, [2, -1, float("nan"), "much", True, 10**400])
            for share in ("strength", "luminance", "colour", "grain")
        ),
        ("strength", [None, "100:0.4,50:1"]),
        *((choice, ["zip", 1]) for choice in ("quality", "device", "engine", "precision", "compression", "bad_pixels")),
        ("noise", [1e-3, "1e-3", (1e-3, float("nan")), (2, 0), (1e-3, -1e-6), (10**400, 0), (1, 1, 1), np.eye(3)]),
        ("iso", [0, "100", float("inf"), float("nan"), True]),
        ("tile", [1, "x", 64.0]),
        ("overwrite", [1, "yes"]),
        ("model", [3, ""]),
    ],
)
def test_what_a_setting_cannot_be_is_refused_in_one_line(name, values):
    for value in values:
        with pytest.raises(UsageError, match=rf"^{name} is [^\n]*; [^\n]*$"):
            DenoiseSettings(**{name: value})


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({"strength": 1}, {"strength": 1.0}),
        ({"strength": "0.7"}, {"strength": 0.7}),
        ({"colour": "100:0.4,6400:1"}, {"colour": ByIso(((100.0, 0.4), (6400.0, 1.0)))}),
        ({"grain": "light"}, {"luminance": 0.85}),
        ({"quality": "fast", "device": "cpu"}, {"quality": Quality.FAST, "device": DeviceChoice.CPU}),
        ({"noise": "1e-3,1e-6"}, {"noise": (1e-3, 1e-6)}),
        ({"noise": np.array([1e-3, 1e-6]), "iso": np.int32(100)}, {"noise": (1e-3, 1e-6), "iso": 100.0}),
    ],
)
def test_a_result_is_known_again_however_its_settings_were_told(told, meant):
    assert DenoiseSettings(**told) == pickle.loads(pickle.dumps(DenoiseSettings(**meant)))
    assert settings_key(DenoiseSettings(**told)) == settings_key(DenoiseSettings(**meant))


def test_grain_and_luminance_together_are_refused():
    with pytest.raises(UsageError, match="give one of them"):
        DenoiseSettings(grain=0.3, luminance=0.7)


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
        ((np.ones((64, 64)), None, 0, 1), UnsupportedSensorError),
        ((np.ones((64, 64)), "RGGB", [0, 0, 0, 0], 1), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", [[0, 0], [0]], 1), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", [], 1), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", None, 1), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", "0", 1), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", 0, [1, 1]), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", 0, "1"), InvalidLevelsError),
        ((np.ones((64, 64)), "RGGB", 0, float("inf")), InvalidLevelsError),
        ((np.ones((64, 64), complex), "RGGB", 0, 1), InvalidLevelsError),
        ((np.full((64, 64), "1"), "RGGB", 0, 1), InvalidLevelsError),
        ((np.ma.masked_equal(np.eye(64), 0), "RGGB", 0, 1), InvalidLevelsError),
    ],
)
def test_what_is_no_mosaic_is_refused(arguments, error):
    with pytest.raises(error):
        rawclean.denoise_mosaic(*arguments)


def test_four_black_levels_without_rows_say_how_rows_lie():
    with pytest.raises(InvalidLevelsError, match=r"\[\[R, G\], \[G, B\]\]"):
        rawclean.denoise_mosaic(np.ones((64, 64)), "RGGB", [0, 1, 2, 3], 16)


def test_one_black_level_may_be_a_list():
    _, noisy = noisy_ramp()
    black = [rawclean.denoise_mosaic(noisy, "RGGB", level, 1, noise=(4e-3, 1e-5)) for level in (0, [0], [[0]])]
    assert np.array_equal(black[0], black[1])
    assert np.array_equal(black[0], black[2])


def test_the_package_offers_nothing_else():
    with pytest.raises(AttributeError, match="no attribute 'denoise'"):
        _ = rawclean.denoise

import json
import subprocess
import sys

import numpy as np
import pytest

from rawclean.evaluation.metrics import raw_psnr
from rawclean.io.applied import is_denoised
from rawclean.io.raw import read_raw
from rawclean.io.tiff.metadata import known_metadata


def test_help_does_not_import_torch():
    code = "import sys, rawclean.cli.main; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("command", ["denoise", "batch", "info", "verify", "simulate", "bench", "train", "models"])
def test_every_command_has_help(rawclean, command):
    result = rawclean(command, "--help")
    assert result.status == 0
    assert "Usage: rawclean" in result.out


def test_the_entry_point_runs():
    run = subprocess.run([sys.executable, "-m", "rawclean", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("rawclean 0.")


def test_denoise_makes_the_photo_cleaner(rawclean, sample, tmp_path):
    result = rawclean("denoise", sample, "-o", tmp_path / "out.dng", "--json")
    assert result.status == 0, result.err
    report = json.loads(result.out)["report"]
    assert report["noise_origin"] == "NoiseProfile tag and the photo itself"
    assert report["shot"] == pytest.approx(6.4e-3, rel=0.1)  # the tag, weighed with the photo
    assert set(report["seconds"]) == {"decode", "noise", "network", "write"}
    before, after = map(linear, (sample, tmp_path / "out.dng"))
    noise_left = rough_noise(after) / rough_noise(before)
    assert noise_left < 0.3


def linear(path) -> np.ndarray:
    frame = read_raw(path).frame
    return frame.levels.to_linear(frame.samples)


def rough_noise(linear: np.ndarray) -> float:
    """Median absolute second difference within a plane, which the smooth parts of a photo do not have."""
    plane = linear[::2, ::2]
    return float(np.median(np.abs(plane[:, 2:] - 2 * plane[:, 1:-1] + plane[:, :-2])))


def test_denoising_a_simulated_photo_brings_it_closer_to_the_clean_one(rawclean, tmp_path):
    from PIL import Image

    gradient = np.broadcast_to(np.linspace(0, 255, 192).astype(np.uint8), (160, 192))
    Image.fromarray(gradient).convert("RGB").save(tmp_path / "photo.png")
    noisy, clean, out = (tmp_path / f"{name}.dng" for name in ("noisy", "clean", "out"))
    assert rawclean("simulate", tmp_path / "photo.png", "-o", noisy, "--clean", clean, "--shot", "4e-3").status == 0
    assert rawclean("denoise", noisy, "-o", out, "-q").status == 0
    truth, before, after = map(linear, (clean, noisy, out))
    assert raw_psnr(after, truth) > raw_psnr(before, truth) + 8
    assert [is_denoised(path, known_metadata(path)) for path in (noisy, clean, out)] == [False, False, True]


def test_simulated_noise_is_what_its_tag_says(rawclean, sample, tmp_path):
    profile = read_raw(sample).frame.noise_profile
    assert profile is not None
    assert profile.shot.tolist() == pytest.approx([6.4e-3] * 4)
    result = rawclean("info", sample, "--json")
    facts = json.loads(result.out)
    assert facts["camera"] == "rawclean Simulated 14 bit"
    assert facts["model"]
    assert result.err == ""  # the blind estimate agrees with the tag


def test_quiet_prints_nothing(rawclean, sample, tmp_path):
    assert rawclean("denoise", sample, "-o", tmp_path / "out.dng", "--quiet")[1:] == ("", "")


def test_compression_changes_the_size_and_nothing_else(rawclean, sample, tmp_path):
    for name in ("ljpeg", "none"):
        rawclean("denoise", sample, "-o", tmp_path / f"{name}.dng", "--compression", name)
    packed, plain = (read_raw(tmp_path / f"{name}.dng").frame for name in ("ljpeg", "none"))
    assert np.array_equal(packed.raster, plain.raster)
    assert (tmp_path / "ljpeg.dng").stat().st_size < 0.8 * (tmp_path / "none.dng").stat().st_size


def test_the_same_input_gives_the_same_file(rawclean, sample, tmp_path):
    for name in ("a.dng", "b.dng"):
        rawclean("denoise", sample, "-o", tmp_path / name)
    assert (tmp_path / "a.dng").read_bytes() == (tmp_path / "b.dng").read_bytes()


def test_a_wrong_tag_is_a_warning(rawclean, sample, tmp_path):
    result = rawclean("denoise", sample, "-o", tmp_path / "out.dng", "--noise", "1e-4,1e-7")
    assert result.status == 0
    assert f"warning: {sample}: the photo itself says sigma" in result.err
    assert "by option --noise" in result.err


def test_iso_is_weighed_with_the_photo(rawclean, sample):
    """The sample's noise is that of ISO 32,000; one that is plainly wrong is a warning and not believed."""
    right = json.loads(rawclean("info", sample, "--iso", 32_000, "--json").out)
    assert right["noise_from"] == "ISO 32000 and the photo itself"
    result = rawclean("info", sample, "--iso", 100, "--json")
    wrong = json.loads(result.out)
    assert wrong["noise_from"] == "the photo itself"
    assert wrong["sigma_at_18_percent"] == pytest.approx(right["sigma_at_18_percent"], rel=0.1)
    assert ": ISO 100 says sigma" in result.err


def test_a_camera_profile_is_found_by_name_and_iso(rawclean, shared):
    facts = json.loads(rawclean("info", shared / "raw" / "canon_g2_chart_iso50.crw", "--json").out)
    assert facts["noise_from"] == "camera profile and the photo itself"


def test_models_are_listed_shown_and_verified(rawclean):
    cards = json.loads(rawclean("models", "list", "--json").out)
    assert "student-general" in [card["name"] for card in cards]
    for card in cards:
        facts = json.loads(rawclean("models", "show", card["name"], "--json").out)
        assert facts["parameters"] == card["parameters"]
        assert facts["gmac_per_megapixel"] == pytest.approx(card["gmac_per_megapixel"], abs=0.01)
    assert rawclean("models", "verify").out.count(": ok") == len(cards)


def test_bench_prints_a_table(rawclean, shared):
    result = rawclean("bench", shared / "photos" / "dev", "--limit", 1, "--model", "student-general")
    assert result.status == 0
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in result.out.splitlines()]
    noisy, student = (next(row for row in rows if row[0] == name) for name in ("noisy", "student-general"))
    assert all(float(after) > float(before) for before, after in zip(noisy[1:], student[1:], strict=True))

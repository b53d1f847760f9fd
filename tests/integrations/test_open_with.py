"""The entries under "Open with", started by GLib as a file manager starts them, on photos with hostile names."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rawclean.integrations.open_with import TO_DIGIKAM, open_with_entries
from rawclean.io.raw import read_raw

NAMES = ['it\'s "a" $(touch pwned) `touch pwned`; touch pwned.dng', "-o.dng", "50%F <b>\\.dng", "new\nline.dng"]


def needs(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


@pytest.fixture
def desktop(rawclean, tmp_path, monkeypatch) -> Path:
    """A user's folder of data with a hostile name, and photos that are opened."""
    needs("rawtherapee", "gio")
    home = tmp_path / 'my "data" $(touch pwned)\\ data'
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    result = rawclean("integrate", "rawtherapee")
    assert result.status == 0, result.err
    return home


@pytest.mark.slow
def test_photos_are_denoised_and_handed_over(desktop, sample, tmp_path):
    photos = tmp_path / "photos.of" / "mine"
    photos.mkdir(parents=True)
    for name in (*NAMES, "done before.dng", "done before_denoised.dng"):
        shutil.copy(sample, photos / name)
    (photos / "broken.dng").write_bytes(b"broken")
    entry = desktop / "applications" / "rawclean-rawtherapee.desktop"
    script = desktop / "rawclean" / "denoise-for-rawtherapee"
    script.write_text(script.read_text().replace(shutil.which("rawtherapee"), "printf '%s\\0' opened"))
    names = [*NAMES, "done before.dng", "broken.dng"]
    launch = ["gio", "launch", entry, *(photos / name for name in names)]
    done = subprocess.run(launch, capture_output=True, env=os.environ | {"PATH": "/usr/bin:/bin"}, timeout=120)
    opened = done.stdout.split(b"opened\0")[1].split(b"\0")[:-1]
    results = [photos / name.replace(".dng", "_denoised.dng") for name in names[:-1]]
    assert sorted(opened) == sorted(map(os.fsencode, results))
    assert all(path.is_file() for path in results)
    assert results[-1].read_bytes() == sample.read_bytes()
    assert b"broken.dng: not a RAW photo" in done.stdout
    assert not list(tmp_path.rglob("pwned*"))


@pytest.mark.slow
def test_photos_that_differ_in_their_suffix_have_results_of_their_own(rawclean, tmp_path):
    script, _ = open_with_entries(TO_DIGIKAM, None)
    (tmp_path / "script").write_bytes(script.content)
    photos = tmp_path / "photos.cr2"
    photos.mkdir()
    expected = {
        "IMG [1].CR2": "IMG [1]_cr2_denoised.dng",
        "IMG [1].DNG": "IMG [1]_dng_denoised.dng",
        "IMG [1].b.dng": "IMG [1].b_denoised.dng",
        "twice.dng": "twice_dng_denoised.dng",
        "twice.DNG": "twice_DNG_denoised.dng",
        "alone.dng": "alone_denoised.dng",
    }
    for index, name in enumerate(expected):
        Image.fromarray(np.zeros((64, 64 + 8 * index, 3), np.uint8)).save(tmp_path / "dark.png")
        assert rawclean("simulate", tmp_path / "dark.png", "-o", tmp_path / "a.dng", "--shot", "1e-4").status == 0
        shutil.move(tmp_path / "a.dng", photos / name)
    for name in ("alone.JPG", "alone.dng.xmp"):
        (photos / name).touch()
    for name in expected:  # one after the other, as a photographer would
        subprocess.run(["sh", tmp_path / "script", photos / name], check=True, capture_output=True)
    assert {path.name for path in photos.glob("*_denoised.dng")} == set(expected.values())
    for name, result in expected.items():
        assert read_raw(photos / result).frame.active == read_raw(photos / name).frame.active


def test_the_entry_is_valid_and_offered_for_raw_photos_but_opens_none_by_default(desktop):
    needs("desktop-file-validate", "update-desktop-database")
    entry = desktop / "applications" / "rawclean-rawtherapee.desktop"
    checked = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True)
    assert checked.stdout + checked.stderr == ""
    told = subprocess.run(["gio", "mime", "image/x-adobe-dng"], capture_output=True, text=True, check=True).stdout
    default, registered = told.split("\n", 1)
    assert entry.name in registered
    assert entry.name not in default


def test_the_script_is_plain_shell(desktop):
    needs("shellcheck")
    script = desktop / "rawclean" / "denoise-for-rawtherapee"
    checked = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")

"""Source and result, developed by other programs without noise reduction: the same picture but for the noise."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from dng_factory import READ, SHOT
from dng_matrix import CASES

from rawclean.pipeline import denoise_file
from rawclean.settings import DenoiseSettings

REAL_FILES = (
    *("gopro_hero7_scene_iso252.dng", "gopro_hero7_chart_iso255.dng", "canon_550d_chart_14bit.dng"),
    *("pixel7_dark_iso744_ljpeg.dng", "blackmagic_gbrg_ljpeg_lintable.dng", "canon_eos_6d_lossy_linear_iso1000.dng"),
    *("nikon_d1_iso200_bggr.nef", "canon_d30_tree_iso100.crw", "canon_g2_chart_iso50.crw"),
    *("canon_s40_chart_iso50.crw", "canon_s40_box_iso50.crw", "kodak_dc120_chart.kdc"),
)
BOX = 32
LARGEST_DIFFERENCE = 0.005
"""Of full scale, mean over boxes, in each channel."""


def by_darktable(folder: Path, results: Path) -> None:
    command = ["darktable-cli", folder, f"{results}/", "--out-ext", "tif", "--apply-custom-presets", "false", "--core"]
    options = ["--configdir", results / "config", "--library", ":memory:", "--conf", "write_sidecar_files=never"]
    run(command + options + ["--conf", "plugins/imageio/format/tiff/bpp=16"])


def by_rawtherapee(folder: Path, results: Path) -> None:
    run(["rawtherapee-cli", "-o", results, "-b16", "-t", "-Y", "-c", *sorted(folder.iterdir())])


def by_libraw(folder: Path, results: Path) -> None:
    for path in folder.iterdir():
        with suppress(rawpy.LibRawError), rawpy.imread(str(path)) as raw:
            picture = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16)
            tifffile.imwrite(results / f"{path.stem}.tif", picture)


PROGRAMS = {"darktable-cli": by_darktable, "rawtherapee-cli": by_rawtherapee, "LibRaw": by_libraw}


def run(command) -> None:
    """Run to the end; the status says whether every single file could be opened, and they are looked at one by one."""
    subprocess.run(command, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "2"}, timeout=900)


def boxes(picture: np.ndarray) -> np.ndarray:
    """Means over boxes, of full scale."""
    height, width = (side // BOX * BOX for side in picture.shape[:2])
    tiles = picture[:height, :width].reshape(height // BOX, BOX, width // BOX, BOX, -1).astype(np.float64)
    return tiles.mean((1, 3)) / np.iinfo(picture.dtype).max


def rendered(tmp_path_factory, program: str, folder: Path) -> Path:
    if program.endswith("-cli") and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: {program.removesuffix('-cli')})")
    results = tmp_path_factory.mktemp(program)
    PROGRAMS[program](folder, results)
    return results


@pytest.fixture(scope="session")
def matrix(tmp_path_factory) -> Path:
    """Sources and results of every layout, `NAME.source.dng` and `NAME.result.dng`."""
    folder = tmp_path_factory.mktemp("matrix")
    for name, case in CASES.items():
        source = case.write(folder / f"{name}.source.dng")
        denoise_file(source, folder / f"{name}.result.dng", DenoiseSettings(noise=(SHOT, READ)))
    return folder


@pytest.fixture(scope="session")
def real(tmp_path_factory, shared) -> Path:
    """The same of real files."""
    folder = tmp_path_factory.mktemp("real")
    for name in REAL_FILES:
        source = folder / f"{Path(name).stem}.source{Path(name).suffix}"
        source.symlink_to(shared / "raw" / name)
        denoise_file(source, folder / f"{Path(name).stem}.result.dng", DenoiseSettings())
    return folder


@pytest.fixture(scope="session", params=PROGRAMS)
def pictures_of_matrix(request, tmp_path_factory, matrix) -> Path:
    return rendered(tmp_path_factory, request.param, matrix)


@pytest.fixture(scope="session", params=PROGRAMS)
def pictures_of_real_files(request, tmp_path_factory, real) -> Path:
    return rendered(tmp_path_factory, request.param, real)


NOT_COMPARABLE = {
    "darktable-cli": {
        "tiles_big_endian": "darktable renders the source as stripes",
        "float_16": "darktable renders the source black",
        "float_32": "darktable renders the source black",
        "float_plain": "darktable renders the source black",
        "nikon_d1_iso200_bggr": "darktable crops this camera's NEF by a table of its own",
        "canon_d30_tree_iso100": "darktable crops this camera's CRW by a table of its own",
        "canon_g2_chart_iso50": "darktable's white balance of the CRW has 2 % less green than LibRaw's",
        "canon_s40_chart_iso50": "darktable's white balance of the CRW has 2 % less green than LibRaw's",
    },
    "rawtherapee-cli": {
        "tiles": "RawTherapee renders the source black",
        "deflate": "RawTherapee renders the source black",
        "tiles_big_endian": "RawTherapee renders the source black",
        "float_plain": "RawTherapee renders the source black",
        "nikon_d1_iso200_bggr": "RawTherapee reads a white balance from the maker note, LibRaw none",
        "canon_d30_tree_iso100": "the CRW has no valid white balance; RawTherapee makes one from the scene",
        "kodak_dc120_chart": "the KDC has no white balance; RawTherapee makes one from the scene",
        "canon_g2_chart_iso50": "RawTherapee's white balance of the CRW has 2 % less green than LibRaw's",
        "canon_s40_chart_iso50": "RawTherapee's white balance of the CRW has 2 % less green than LibRaw's",
    },
    "LibRaw": {
        "ljpeg_two_tiles_wide": "LibRaw misreads the source",
        "canon_d30_tree_iso100": "the CRW has no valid white balance; LibRaw makes one from the scene",
        "kodak_dc120_chart": "the KDC has no white balance; LibRaw makes one from the scene",
        "nikon_d1_iso200_bggr": "LibRaw finds no white balance and makes none; the result has one from the photo",
    },
}
"""Sources that a program reads in another way than the DNG specification or LibRaw, and why."""
DARK_FRAMES = ("pixel7_dark_iso744_ljpeg",)
"""Developers clip half of the noise at black, which makes the noisy frame the brighter one."""


def check_pair(folder: Path, name: str) -> None:
    program = next(program for program in PROGRAMS if folder.name.startswith(program))
    if name in NOT_COMPARABLE[program]:
        pytest.skip(NOT_COMPARABLE[program][name])
    source, result = folder / f"{name}.source.tif", folder / f"{name}.result.tif"
    if not source.exists():
        pytest.skip("the program does not open the source")
    before, after = tifffile.imread(source), tifffile.imread(result)
    assert before.shape == after.shape
    if name in DARK_FRAMES:
        return
    difference = np.abs(boxes(before) - boxes(after)).mean((0, 1))
    assert difference.max() <= LARGEST_DIFFERENCE
    assert boxes(before).max() > 0.01


@pytest.mark.parametrize("name", CASES)
def test_every_layout_is_developed_alike(pictures_of_matrix, name):
    check_pair(pictures_of_matrix, name)


@pytest.mark.parametrize("name", [Path(name).stem for name in REAL_FILES])
def test_every_real_file_is_developed_alike(pictures_of_real_files, name):
    check_pair(pictures_of_real_files, name)

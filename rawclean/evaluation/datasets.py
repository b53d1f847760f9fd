"""Public benchmarks of real noise, by the folder that holds them.

SIDD: `ValidationNoisyBlocksRaw.mat` and `ValidationGtBlocksRaw.mat`, 40 x 32 blocks of 256 x 256. DND: `info.mat` and
`images_raw/0001.mat` to `0050.mat`, with 20 boxes each and no clean images; results go to its server. Pairs: `noisy/`
and `clean/` with RAW files of the same names. SIDD and DND need the extra `bench` (scipy, h5py).
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rawclean.core.bayer import BayerPattern
from rawclean.core.noise import NoiseModel
from rawclean.errors import RawcleanError, UnreadablePhotoError, UnsupportedSensorError
from rawclean.io.raw import read_raw
from rawclean.io.suffixes import list_raws

SIDD_NOISY, SIDD_CLEAN = "ValidationNoisyBlocksRaw.mat", "ValidationGtBlocksRaw.mat"
DND_INFO, DND_IMAGES = "info.mat", "images_raw"
LEAST_VARIANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Block:
    """A noisy mosaic (H, W), linear, with what is known of it."""

    name: str
    noisy: np.ndarray
    pattern: BayerPattern
    clean: np.ndarray | None
    noise: NoiseModel | None
    """None where it has to be estimated."""


def blocks_of(folder: Path) -> Callable[[Path], Iterator[Block]] | None:
    """The reader of the benchmark that `folder` holds; None for a folder of photos."""
    if (folder / SIDD_NOISY).is_file():
        return read_sidd
    if (folder / DND_INFO).is_file():
        return read_dnd
    return read_pairs if (folder / "noisy").is_dir() and (folder / "clean").is_dir() else None


def read_sidd(folder: Path) -> Iterator[Block]:
    """The validation blocks of SIDD; raises UnreadablePhotoError where a file is missing or of another kind."""
    noisy, clean = (_sidd_blocks(folder / name) for name in (SIDD_NOISY, SIDD_CLEAN))
    for scene, (noisy_blocks, clean_blocks) in enumerate(zip(noisy, clean, strict=True)):
        pattern = _green_pattern(np.asarray(clean_blocks, dtype=np.float32).mean(0))
        for index, (one, other) in enumerate(zip(noisy_blocks, clean_blocks, strict=True)):
            planes = (np.asarray(block, dtype=np.float32) for block in (one, other))
            yield Block(f"{scene:04d}_{index:02d}", next(planes), pattern, next(planes), None)


def read_dnd(folder: Path) -> Iterator[Block]:
    """The boxes of DND as `0001_01` and so on, with the noise that its authors calibrated."""
    h5py = _module("h5py")
    try:
        with h5py.File(folder / DND_INFO, "r") as file:
            info = file["info"]
            for index in range(info["boundingboxes"].shape[1]):
                yield from _dnd_image(h5py, folder, info, index)
    except (OSError, KeyError) as error:
        raise UnreadablePhotoError(f"{folder}: not the DND benchmark ({error})") from error


def read_pairs(folder: Path) -> Iterator[Block]:
    """RAW files of `noisy/` with the clean one of the same name in `clean/`; noise by tag where there is one."""
    sources = list_raws(folder / "noisy")
    if not sources:
        raise UnreadablePhotoError(f"{folder / 'noisy'}: no RAW photos in it")
    for source in sources:
        noisy, clean = (read_raw(path).frame for path in (source, folder / "clean" / source.name))
        if not isinstance(noisy.layout, BayerPattern):
            raise UnsupportedSensorError(f"{source}: the benchmark takes Bayer mosaics only")
        if noisy.samples.shape != clean.samples.shape or noisy.layout != clean.layout:
            raise UnreadablePhotoError(f"{source}: differs in size or pattern from its clean partner")
        mosaics = (frame.levels.to_linear(frame.samples) for frame in (noisy, clean))
        yield Block(source.stem, next(mosaics), noisy.layout, next(mosaics), noisy.noise_profile)


def write_dnd_submission(folder: Path, results: dict[str, np.ndarray]) -> None:
    """Write the files that DND's server takes: `0001.mat` and so on, each with the denoised boxes of one image.

    `results` maps the names of `read_dnd` to denoised mosaics (H, W).
    """
    savemat = _module("scipy.io").savemat
    folder.mkdir(parents=True, exist_ok=True)
    for image in sorted({name.split("_")[0] for name in results}):
        boxes = [results[name] for name in sorted(results) if name.startswith(f"{image}_")]
        cells = np.empty(len(boxes), dtype=object)
        cells[:] = boxes
        savemat(folder / f"{image}.mat", {"Idenoised": cells, "israw": True, "eval_version": "1.0"})


def _sidd_blocks(path: Path) -> Any:
    try:
        return _module("scipy.io").loadmat(path)[path.stem]
    except (OSError, KeyError, ValueError) as error:
        raise UnreadablePhotoError(f"{path}: not a file of SIDD's raw validation blocks ({error})") from error


def _dnd_image(h5py: Any, folder: Path, info: Any, index: int) -> Iterator[Block]:
    """MATLAB stores columns first, so that arrays come transposed; boxes count from one and include their end."""
    name = f"{index + 1:04d}"
    with h5py.File(folder / DND_IMAGES / f"{name}.mat", "r") as file:
        mosaic = np.asarray(file["Inoisy"], dtype=np.float32).T.copy()
    calibrated = info[info["nlf"][0][index]]
    shot, read = (float(calibrated[key][0][0]) for key in ("a", "b"))
    noise = NoiseModel.uniform(shot, max(read, LEAST_VARIANCE))
    boxes = np.asarray(info[info["boundingboxes"][0][index]], dtype=np.int64).T
    for number, (top, left, bottom, right) in enumerate(boxes, start=1):
        crop = mosaic[top - 1 : bottom, left - 1 : right]
        yield Block(f"{name}_{number:02d}", crop, _green_pattern(crop), None, noise)


def _green_pattern(mosaic: np.ndarray) -> BayerPattern:
    """A pattern with greens where they are: on the diagonal whose two planes are most alike.

    Neither benchmark names the pattern. Whether red or blue comes first is not seen and hardly matters: exchanging them
    costs the general student 0.01 to 0.03 dB on simulated noise.
    """
    sites = {(i, j): mosaic[i::2, j::2] for i in (0, 1) for j in (0, 1)}
    main = np.abs(sites[0, 0] - sites[1, 1]).mean()
    other = np.abs(sites[0, 1] - sites[1, 0]).mean()
    return BayerPattern.GRBG if main < other else BayerPattern.RGGB


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise RawcleanError(f"the package {package} is missing; pip install 'rawclean[bench]'") from error

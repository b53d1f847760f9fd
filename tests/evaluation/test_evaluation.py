"""Metrics, and loaders on small files of the same structure as the public benchmarks."""

import json
import math

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from dng_factory import make_frame, write_dng

from rawclean.core.bayer import BayerPattern
from rawclean.errors import UnreadablePhotoError
from rawclean.evaluation.datasets import read_dnd, read_pairs, read_sidd, write_dnd_submission
from rawclean.evaluation.metrics import raw_psnr, raw_ssim
from rawclean.synthesis.develop import demosaic_bilinear, develop


def grey(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32) * 0.8 + 0.1


def test_psnr_of_a_known_error():
    clean = np.full((4, 8, 8), 0.5, np.float32)
    assert raw_psnr(clean + 0.01, clean) == pytest.approx(40.0, abs=1e-3)
    assert raw_psnr(clean, clean) == math.inf
    assert raw_psnr(clean + 2, np.ones((4, 8, 8), np.float32)) == math.inf  # both clip at white


def test_ssim_is_one_for_the_same_and_falls_with_noise():
    clean = grey(4, 32, 32)
    noise = np.random.default_rng(1).standard_normal(clean.shape, np.float32)
    values = [raw_ssim(clean + noise * sigma, clean) for sigma in (0.0, 0.02, 0.1)]
    assert values[0] == pytest.approx(1.0)
    assert values[0] > values[1] > values[2]


def test_ssim_of_constants_is_that_of_the_formula():
    first, second = (np.full((1, 16, 16), level, np.float32) for level in (0.5, 0.6))
    expected = (2 * 0.5 * 0.6 + 1e-4) / (0.5**2 + 0.6**2 + 1e-4)
    assert raw_ssim(first, second) == pytest.approx(expected, rel=1e-5)


def test_demosaicing_keeps_a_flat_colour_and_a_ramp():
    flat = torch.tensor([0.2, 0.4, 0.4, 0.6])[:, None, None].expand(4, 8, 8)
    assert torch.allclose(demosaic_bilinear(flat), torch.tensor([0.2, 0.4, 0.6])[:, None, None].expand(3, 16, 16))
    ramp = torch.arange(16.0).expand(16, 16) / 16
    planes = torch.stack([ramp[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    assert torch.allclose(demosaic_bilinear(planes)[:, 2:-2, 2:-2], ramp[2:-2, 2:-2].expand(3, 12, 12), atol=1e-6)


def test_developing_neutral_grey_gives_the_srgb_curve():
    picture = develop(torch.full((4, 4, 4), 0.2), torch.ones(3), torch.eye(3))
    assert torch.allclose(picture, torch.full_like(picture, 1.055 * 0.2 ** (1 / 2.4) - 0.055))


@pytest.fixture
def sidd(tmp_path):
    """Two scenes of three blocks; the green diagonal of the second is the other one."""
    rng = np.random.default_rng(0)
    clean = np.full((2, 3, 64, 64), 0.2, dtype=np.float32)
    clean[:, :, 1::2] = 0.3
    clean[0, :, 0::2, 1::2] = clean[0, :, 1::2, 0::2] = 0.5
    clean[1, :, 0::2, 0::2] = clean[1, :, 1::2, 1::2] = 0.5
    noisy = (clean + rng.normal(0, 0.02, clean.shape)).astype(np.float32)
    scipy.io.savemat(tmp_path / "ValidationGtBlocksRaw.mat", {"ValidationGtBlocksRaw": clean})
    scipy.io.savemat(tmp_path / "ValidationNoisyBlocksRaw.mat", {"ValidationNoisyBlocksRaw": noisy})
    return tmp_path


def test_sidd_blocks_come_with_their_green_diagonal(sidd):
    blocks = list(read_sidd(sidd))
    assert [block.name for block in blocks][:4] == ["0000_00", "0000_01", "0000_02", "0001_00"]
    assert [block.pattern for block in blocks] == [BayerPattern.RGGB] * 3 + [BayerPattern.GRBG] * 3
    assert blocks[0].noisy.shape == (64, 64)
    assert 30 < raw_psnr(blocks[0].noisy, blocks[0].clean) < 38


def test_bench_measures_sidd(rawclean, sidd):
    result = rawclean("bench", sidd, "--model", "student-general", "--json")
    assert result.status == 0, result.err
    quality = json.loads(result.out)["quality"]
    assert quality["student-general"][0]["raw_psnr"] > quality["noisy"][0]["raw_psnr"] + 3


@pytest.fixture
def dnd(tmp_path):
    """Two images with two boxes each, as MATLAB writes version 7.3 files: transposed, structs of references."""
    images = tmp_path / "images_raw"
    images.mkdir()
    mosaics = np.random.default_rng(0).random((2, 60, 80)).astype(np.float32)
    with h5py.File(tmp_path / "info.mat", "w") as file:
        info = file.create_group("info")
        boxes, curves = [], []
        for index, mosaic in enumerate(mosaics):
            with h5py.File(images / f"{index + 1:04d}.mat", "w") as image:
                image["Inoisy"] = mosaic.T
            corners = np.array([[1, 1, 32, 48], [11, 21, 42, 68]], dtype=np.float64)
            boxes.append(file.create_dataset(f"#refs#/boxes{index}", data=corners.T).ref)
            curve = file.create_group(f"#refs#/nlf{index}")
            curve["a"], curve["b"] = np.array([[1e-3 * (index + 1)]]), np.array([[1e-5]])
            curves.append(curve.ref)
        for name, references in (("boundingboxes", boxes), ("nlf", curves)):
            info.create_dataset(name, data=np.array([references], dtype=h5py.ref_dtype))
    return tmp_path, mosaics


def test_dnd_boxes_are_cut_with_their_noise(dnd):
    folder, mosaics = dnd
    blocks = list(read_dnd(folder))
    assert [block.name for block in blocks] == ["0001_01", "0001_02", "0002_01", "0002_02"]
    assert np.array_equal(blocks[1].noisy, mosaics[0, 10:42, 20:68])
    assert float(blocks[2].noise.shot[0]) == pytest.approx(2e-3)
    assert blocks[0].clean is None


def test_bench_bundles_dnd_for_its_server(rawclean, dnd, tmp_path):
    folder, _ = dnd
    result = rawclean("bench", folder, "--model", "student-general", "--submission", tmp_path / "out")
    assert result.status == 0, result.err
    bundle = scipy.io.loadmat(tmp_path / "out" / "student-general" / "0002.mat")
    assert bundle["Idenoised"].shape == (1, 2)
    assert bundle["Idenoised"][0, 1].shape == (32, 48)
    assert bundle["Idenoised"][0, 1].dtype == np.float32
    assert bool(bundle["israw"])
    assert bundle["eval_version"] == ["1.0"]


def test_the_bundle_keeps_the_order_of_the_boxes(tmp_path):
    results = {f"0001_{number:02d}": np.full((2, 2), number, np.float32) for number in (2, 1, 10)}
    write_dnd_submission(tmp_path, results)
    cells = scipy.io.loadmat(tmp_path / "0001.mat")["Idenoised"][0]
    assert [cell[0, 0] for cell in cells] == [1, 2, 10]


def test_pairs_of_raw_files_are_read(tmp_path):
    for name in ("noisy", "clean"):
        (tmp_path / name).mkdir()
        write_dng(tmp_path / name / "a.dng", make_frame((64, 96)))
    (block,) = read_pairs(tmp_path)
    assert block.name == "a"
    assert np.array_equal(block.noisy, block.clean)
    assert block.noise is not None


def test_partners_of_another_size_are_an_error(tmp_path):
    for name, size in (("noisy", (64, 96)), ("clean", (64, 98))):
        (tmp_path / name).mkdir()
        write_dng(tmp_path / name / "a.dng", make_frame(size))
    with pytest.raises(UnreadablePhotoError, match="differs in size"):
        list(read_pairs(tmp_path))


@pytest.mark.parametrize("reader", [read_sidd, read_dnd])
def test_other_files_are_no_benchmark(tmp_path, reader):
    for name in ("ValidationNoisyBlocksRaw.mat", "ValidationGtBlocksRaw.mat", "info.mat"):
        (tmp_path / name).write_bytes(b"something else" * 20)
    with pytest.raises(UnreadablePhotoError, match="not "):
        list(reader(tmp_path))

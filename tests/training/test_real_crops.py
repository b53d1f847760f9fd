"""Batches from real RAW photos, whose targets are what the best model makes of them."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from dng_factory import make_frame, write_dng

from rawclean.api import denoise_file
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.xtrans import XTransPattern
from rawclean.errors import TrainingError
from rawclean.io.tiff import tags
from rawclean.synthesis.told_noise import ToldConfig
from rawclean.training.batch import Batch
from rawclean.training.dataset import PhotoCrops, Synthesis
from rawclean.training.real_crops import MixedCrops, RealCrops

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def raws(tmp_path_factory, sample):
    folder = tmp_path_factory.mktemp("raws")
    shutil.copy(sample, folder / "guitar.dng")
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture(scope="module")
def real(raws) -> RealCrops:
    return RealCrops.from_folder(raws, CfaFamily.BAYER, ToldConfig(), CPU)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_targets_have_less_noise_by_what_the_photo_has(real):
    batch = real.draw(32, 96, rng())
    assert batch.clean.shape == batch.noisy.shape == (32, 4, 48, 48)
    removed = (batch.noisy - batch.clean).square().mean() / batch.noise.variance(batch.clean).mean()
    assert 0.7 < removed < 1.05
    assert torch.equal(batch.told.shot, batch.noise.shot)


def test_the_same_seed_draws_the_same_batch(real):
    first, second = (real.draw(3, 64, rng()) for _ in range(2))
    assert torch.equal(first.noisy, second.noisy)
    assert torch.equal(first.clean, second.clean)


def test_wrongly_told_noise_is_part_of_the_batch(raws):
    batch = RealCrops.from_folder(raws, CfaFamily.BAYER, ToldConfig(near=0.2, wide_share=0.0, far_share=0.0), CPU).draw(
        4, 64, rng()
    )
    assert (batch.told.shot != batch.noise.shot).all()


@pytest.mark.parametrize(("share", "counts"), [(0.0, {0}), (1.0, {5}), (0.5, set(range(6)))])
def test_a_share_of_the_crops_is_real(real, share, counts):
    dark = PhotoCrops([torch.zeros(3, 96, 96, dtype=torch.uint8)], Synthesis(), CPU)
    mixed, dice, seen = MixedCrops(dark, real, share), rng(), set()
    for _ in range(200 if share == 0.5 else 2):
        batch = mixed.draw(5, 32, dice)
        assert all(getattr(batch, field.name) is not None for field in dataclasses.fields(Batch))
        assert len(batch.noisy) == len(batch.told.read) == 5
        seen.add(int((batch.clean.amax(dim=(1, 2, 3)) > 0).sum()))
    assert seen == counts


def test_a_folder_without_such_photos_is_named(tmp_path, raws):
    with pytest.raises(TrainingError, match="no RAW photo of a xtrans mosaic"):
        RealCrops.from_folder(raws, CfaFamily.XTRANS, ToldConfig(), CPU)
    with pytest.raises(TrainingError, match="no folder"):
        RealCrops.from_folder(tmp_path / "none", CfaFamily.BAYER, ToldConfig(), CPU)


def test_crops_larger_than_every_photo_are_refused(real):
    with pytest.raises(TrainingError, match="lower the crop"):
        real.draw(1, 4096, rng())


def test_a_photo_that_shows_no_noise_is_named(tmp_path):
    frame = make_frame()
    black = frame.with_samples(np.full_like(frame.samples, 512))
    write_dng(tmp_path / "black.dng", black, dropped=[tags.NOISE_PROFILE])
    with pytest.raises(TrainingError, match=r"black\.dng: .*cannot be measured.*take it out of the folder"):
        RealCrops.from_folder(tmp_path, CfaFamily.BAYER, ToldConfig(), CPU)


def test_what_is_denoised_already_is_no_noisy_photo(tmp_path, raws):
    denoise_file(raws / "guitar.dng", tmp_path / "guitar.dng", quality="fast")
    with pytest.raises(TrainingError, match="that has its noise still"):
        RealCrops.from_folder(tmp_path, CfaFamily.BAYER, ToldConfig(), CPU)


def test_mosaics_of_xtrans_have_nine_planes(tmp_path):
    write_dng(tmp_path / "x.dng", make_frame((96, 120), XTransPattern(0, 0), black=[512] * 4))
    batch = RealCrops.from_folder(tmp_path, CfaFamily.XTRANS, ToldConfig(), CPU).draw(2, 72, rng())
    assert batch.clean.shape == batch.noisy.shape == (2, 9, 24, 24)
    assert batch.noise.shot.shape == batch.told.read.shape == (2, 9)

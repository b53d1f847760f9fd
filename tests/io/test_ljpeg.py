"""Lossless JPEG, decoded by LibRaw."""

import numpy as np
import pytest
import rawpy
from dng_factory import make_frame, write_dng

from rawclean.io.dng.ljpeg import encode_tile

RNG = np.random.default_rng(0)
SIZE = (70, 600)
COUNT = SIZE[0] * SIZE[1]
PICTURES = {
    "zero": np.zeros(SIZE, dtype=np.uint16),
    "constant": np.full(SIZE, 1234, dtype=np.uint16),
    "noise": RNG.integers(0, 65536, SIZE).astype(np.uint16),
    "extremes": RNG.choice([0, 32767, 32768, 65535], SIZE).astype(np.uint16),
    "half range steps": (np.arange(COUNT).reshape(SIZE) // 2 % 2 * 32768).astype(np.uint16),
    "ramp": (np.arange(COUNT).reshape(SIZE) * 3).astype(np.uint16),
    "rare large steps": np.where(RNG.random(SIZE) < 0.001, 60000, 100).astype(np.uint16),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("shape", [SIZE, (57, 513), (513, 512), (64, 96), (67, 101), (64, 576), (48, 1024), (33, 1040)])
def test_libraw_reads_the_same_samples(tmp_path, name, shape):
    picture = np.resize(PICTURES[name], shape)
    frame = make_frame(shape, white=65535).with_samples(picture.astype(np.float32))
    path = write_dng(tmp_path / "a.dng", frame)
    with rawpy.imread(str(path)) as raw:
        assert np.array_equal(raw.raw_image, picture)


def test_a_smooth_picture_becomes_small():
    smooth = (1000 + np.linspace(0, 400, 512)[None] + RNG.normal(0, 4, (512, 512))).astype(np.uint16)
    assert len(encode_tile(smooth.reshape(512, 256, 2))) < 0.35 * smooth.nbytes


def test_noise_costs_little_more_than_itself():
    noise = RNG.integers(0, 65536, (256, 256)).astype(np.uint16)
    assert len(encode_tile(noise.reshape(256, 128, 2))) < 1.2 * noise.nbytes

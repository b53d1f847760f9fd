"""Every layout of the matrix, read, written by each compression, and read back."""

import numpy as np
import pytest
import rawpy
from dng_matrix import CASES

from rawclean.core.noise import NoiseModel
from rawclean.io.compression import Compression
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.dng.raster import libraw_reads
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import read_metadata
from rawclean.io.writers import write_photo

RESIDUAL = NoiseModel.uniform(1e-5, 1e-7)


def smoothed(frame):
    """Values between the codes of the sensor, as denoising makes them; clipped samples stay."""
    samples = frame.samples
    between = (samples + np.roll(samples, 1, -1)) / 2
    return frame.with_samples(np.where(samples < frame.levels.white, between, samples))


def test_there_are_forty_layouts():
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", CASES)
def test_the_samples_of_the_generator_are_read(tmp_path, name):
    case = CASES[name]
    expected, read = case.frame(), read_raw(case.write(tmp_path / "in.dng")).frame
    assert (read.layout, read.active, read.is_float) == (expected.layout, expected.active, case.storage.floating)
    assert read.orientation == case.storage.orientation
    assert read.levels.white == pytest.approx(expected.levels.white)
    deltas = dict.fromkeys((tags.BLACK_LEVEL_DELTA_V, tags.BLACK_LEVEL_DELTA_H), np.zeros((1,), np.float32))
    deltas |= {tag: np.array(values, np.float32) for tag, _, values in case.tags if tag in deltas}
    rows, columns = deltas.values()
    clipped = expected.samples >= expected.levels.white
    assert np.array_equal(read.samples, expected.samples - np.where(clipped, 0.0, rows[:, None] + columns))
    assert np.array_equal(
        *(np.broadcast_to(frame.levels.black, expected.levels.black.shape) for frame in (read, expected))
    )


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_read_back(tmp_path, name, compression):
    raw = read_raw(CASES[name].write(tmp_path / "in.dng"))
    source, denoised = raw.frame, smoothed(raw.frame)
    write_photo(tmp_path / "out.dng", DenoisedPhoto(raw.with_frame(denoised), RESIDUAL, 1.0, compression))
    written = read_raw(tmp_path / "out.dng").frame
    assert (written.layout, written.active, written.orientation, written.is_float) == (
        *(source.layout, source.active, source.orientation),
        source.is_float,
    )
    factor = written.levels.white / source.levels.white
    assert np.allclose(written.levels.black, source.levels.black * factor, rtol=1e-6)
    step = 0 if source.is_float else 0.5
    assert float(np.abs(written.raster - denoised.raster * factor).max()) <= step
    clipped = source.samples >= source.levels.white
    assert np.array_equal(written.samples[clipped], source.samples[clipped] * factor)
    if libraw_reads(read_metadata(tmp_path / "out.dng")):
        with rawpy.imread(str(tmp_path / "out.dng")) as raw:
            assert raw.raw_image.max() == written.raster.max()

"""`rawclean verify` finds what is off, and nothing in what rawclean writes."""

import dataclasses
import json

import numpy as np
import pytest
from dng_factory import entry, make_frame, write_dng
from dng_matrix import CASES

from rawclean import noise_source
from rawclean.core.frame import ActiveArea
from rawclean.core.noise import NoiseModel
from rawclean.errors import UsageError
from rawclean.evaluation.fidelity import verify
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.structure import ASCII, Directory, Entry, Tiff
from rawclean.io.writers import write_photo

NOISE = NoiseModel.uniform(1e-3, 1e-6)


def written(tmp_path, photo, strength=1.0):
    write_photo(tmp_path / "out.dng", DenoisedPhoto(photo, NOISE, strength))
    return tmp_path / "out.dng"


def failed(output, source) -> set[str]:
    return {check.name for check in verify(output, source) if not check.passed}


@pytest.mark.parametrize("name", CASES)
def test_what_rawclean_writes_passes(tmp_path, name):
    source = CASES[name].write(tmp_path / "in.dng")
    assert failed(written(tmp_path, read_raw(source)), source) == set()


def test_the_noise_of_each_file_is_measured_once(tmp_path, monkeypatch):
    measure, planes = noise_source.measure_noise, []
    monkeypatch.setattr(noise_source, "measure_noise", lambda *what: planes.append(what[0]) or measure(*what))
    source = write_dng(tmp_path / "in.dng", make_frame(), dropped=[tags.NOISE_PROFILE])
    verify(written(tmp_path, read_raw(source)), source)
    assert len(planes) == 2


def test_files_in_the_wrong_order_are_told(tmp_path):
    source = write_dng(tmp_path / "in.dng", make_frame())
    with pytest.raises(UsageError, match="name the result first"):
        verify(source, written(tmp_path, read_raw(source)))


PLAIN_TIFF = {
    "no_planar_configuration": ([], [tags.PLANAR_CONFIGURATION]),
    "no_samples_per_pixel": ([], [tags.SAMPLES_PER_PIXEL]),
    "no_subfile_type": ([], [tags.NEW_SUBFILE_TYPE]),
    "short_sides": ([entry(tags.IMAGE_WIDTH, 3, [96]), entry(tags.IMAGE_LENGTH, 3, [64])], []),
}


@pytest.mark.parametrize("name", PLAIN_TIFF)
def test_tags_that_say_the_same_in_another_way_pass(tmp_path, name):
    source = write_dng(tmp_path / "in.dng", make_frame(), *PLAIN_TIFF[name])
    assert failed(written(tmp_path, read_raw(source)), source) == set()


@pytest.mark.parametrize("sigma", [0.0, 1e-5, 1e-4])
def test_a_source_nearly_without_noise_passes(tmp_path, sigma):
    frame = make_frame((304, 448))
    normal = np.random.default_rng(0).standard_normal((304, 448), np.float32)
    ramp = np.linspace(0, 0.9, 448, dtype=np.float32) + np.float32(sigma) * normal
    source = write_dng(tmp_path / "in.dng", frame.with_samples(frame.levels.to_adu(ramp).round()))
    photo = DenoisedPhoto(read_raw(source), NoiseModel.uniform(1e-8, sigma**2), 1.0)
    write_photo(tmp_path / "out.dng", photo)
    assert failed(tmp_path / "out.dng", source) == set()


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        ("mean of each colour", lambda frame: frame.with_samples(frame.samples + 30)),
        ("clipped samples", lambda frame: frame.with_samples(frame.samples - (frame.samples == 16383))),
        (
            "NoiseProfile fits",
            lambda frame: frame.with_samples(
                frame.samples + 2000 * np.random.default_rng(0).standard_normal(frame.samples.shape, np.float32)
            ),
        ),
    ],
)
def test_spoilt_samples_are_found(tmp_path, check, spoil):
    source = write_dng(tmp_path / "in.dng", make_frame((256, 384)))
    raw = read_raw(source)
    frame, spoilt = raw.frame, spoil(raw.frame)
    kept = np.where(frame.samples >= 16383, frame.samples, spoilt.samples.clip(max=16382))
    changed = spoilt if check == "clipped samples" else frame.with_samples(kept)
    output = written(tmp_path, raw.with_frame(changed))
    assert check in failed(output, source)


@pytest.mark.parametrize("sd", [0.0, 30.0])
def test_samples_of_a_plateau_below_white_must_stay(rawclean, tmp_path, sd):
    """A sensor that saturates at code 15000, where the file says 16383."""
    frame = make_frame((512, 768))
    plateau = 15000 + sd * np.random.default_rng(0).standard_normal(frame.samples.shape, np.float32)
    clipped = frame.samples >= 15000
    source = write_dng(tmp_path / "in.dng", frame.with_samples(np.where(clipped, plateau.round(), frame.samples)))
    assert rawclean("denoise", source, "-o", tmp_path / "out.dng", "-q").status == 0
    checks = {check.name: check for check in verify(tmp_path / "out.dng", source)}
    assert checks["clipped samples"].passed
    assert int(checks["clipped samples"].detail.split()[2]) > 0.9 * int(clipped.sum())
    raw = read_raw(source)
    spoilt = raw.frame.with_samples(raw.frame.samples + clipped)
    assert "clipped samples" in failed(written(tmp_path, raw.with_frame(spoilt)), source)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("tags", Entry(tags.MODEL, ASCII, 4, b"Two\0")),
        ("geometry", entry(tags.ORIENTATION, 3, [6])),
        ("marked as denoised", entry(tags.NOISE_REDUCTION_APPLIED, 5, [0])),
        ("levels", entry(tags.BLACK_LEVEL, 3, [3000])),
    ],
)
def test_spoilt_tags_are_found(tmp_path, check, change):
    source = write_dng(tmp_path / "in.dng", make_frame())
    output = written(tmp_path, read_raw(source))
    tiff = Tiff(output.read_bytes())
    canvas, first = TiffCanvas(tiff), tiff.first()
    raw = tiff.children(first, tags.SUB_IFDS)[0]
    if change.tag in raw.entries:
        link = tiff.encode(tags.SUB_IFDS, 4, [canvas.write_directory(raw.with_entries([change]))])
        change = link
    canvas.set_first(canvas.write_directory(Directory(0, first.with_entries([change]).entries)))
    output.write_bytes(canvas.finish())
    assert check in failed(output, source)


def test_another_crop_is_found(tmp_path):
    source = write_dng(tmp_path / "in.dng", make_frame((64, 96), margins=(4, 6)))
    frame = dataclasses.replace(make_frame((64, 96), margins=(4, 6)), active=ActiveArea(2, 6, 64, 96))
    assert "geometry" in failed(write_dng(tmp_path / "out.dng", frame), source)


def test_the_command_says_what_is_off_and_exits_with_1(rawclean, sample, tmp_path):
    assert rawclean("denoise", sample, "-o", tmp_path / "out.dng", "-q").status == 0
    result = rawclean("verify", tmp_path / "out.dng", sample)
    assert (result.status, result.out.count("ok  ")) == (0, 10)
    result = rawclean("verify", sample, "--json")
    assert result.status == 1
    marked = json.loads(result.out)["checks"][0]
    assert (marked["name"], marked["passed"]) == ("marked as denoised", False)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda samples, white: samples.fill(white),
        lambda samples, white: samples[: len(samples) // 4].fill(white),
        lambda samples, white: samples[100].fill(white),
        lambda samples, white: samples.fill(0.81 * white),
        lambda samples, white: samples[100:110, 250:260].fill(0),
    ],
)
def test_a_result_that_is_not_the_photo_is_found(rawclean, tmp_path, spoil):
    source = write_dng(tmp_path / "in.dng", make_frame((256, 384)))
    assert rawclean("denoise", source, "-o", tmp_path / "good.dng", "-q").status == 0
    assert failed(tmp_path / "good.dng", source) == set()
    raw = read_raw(tmp_path / "good.dng")
    frame = raw.frame.with_samples(raw.frame.samples)
    spoil(frame.samples, frame.levels.white)
    frame.samples[raw.frame.samples >= frame.levels.white] = frame.levels.white
    assert "size of each change" in failed(written(tmp_path, raw.with_frame(frame)), source)


def test_a_result_that_states_more_noise_than_its_source(tmp_path):
    source = write_dng(tmp_path / "in.dng", make_frame((256, 384)))
    write_photo(tmp_path / "out.dng", DenoisedPhoto(read_raw(source), NoiseModel.uniform(0.5, 1e-3), 1.0))
    assert "less noise than the source" in failed(tmp_path / "out.dng", source)

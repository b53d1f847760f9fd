"""Tag, profile, ISO and photo are weighed; none is believed alone."""

import dataclasses
import math

import numpy as np
import pytest

from rawclean.core.noise import NoiseModel
from rawclean.core.noise_belief import measured_belief, prior_belief, stated_belief
from rawclean.errors import InvalidNoiseError
from rawclean.instruments.measured_noise import MeasuredNoise, NoisePoint
from rawclean.io.raw import read_raw
from rawclean.noise_source import TAG_WIDTH, Evidence, find_noise, weighed
from rawclean.settings import NoiseSettings

NOTHING = NoiseSettings()


@pytest.fixture
def frame(sample):
    """A photo whose NoiseProfile tag is true: shot 6.4e-3."""
    return read_raw(sample).frame


def tagged(frame, factor: float):
    noise = frame.noise_profile
    return dataclasses.replace(frame, noise_profile=NoiseModel(noise.shot * factor**2, noise.read * factor**2))


def test_a_true_tag_and_the_photo_agree(frame):
    found = find_noise(frame, NOTHING)
    assert found.origin == "NoiseProfile tag and the photo itself"
    assert found.noise.sigma_at() == pytest.approx(frame.noise_profile.sigma_at(), rel=0.06)
    assert found.warning is None
    assert [each.origin for each in found.evidence] == ["NoiseProfile tag", "the photo itself"]


@pytest.mark.parametrize("factor", [2.8, 0.4, 10.0])
def test_a_tag_that_the_photo_contradicts_is_not_believed(frame, factor):
    found = find_noise(tagged(frame, factor), NOTHING)
    assert found.origin == "the photo itself"
    assert found.noise.sigma_at() == pytest.approx(frame.noise_profile.sigma_at(), rel=0.12)
    assert "NoiseProfile tag says" in found.warning
    assert "--noise" in found.warning


def test_a_tag_that_is_little_off_is_drawn_to_the_photo(frame):
    true = frame.noise_profile.sigma_at()
    found = find_noise(tagged(frame, 1.25), NOTHING)
    assert true < found.noise.sigma_at() < 1.25 * true


def test_planes_differ_as_the_tag_says(frame):
    shape = np.array([1.0, 0.8, 0.8, 1.2], np.float32)
    noise = frame.noise_profile
    found = find_noise(
        dataclasses.replace(frame, noise_profile=NoiseModel(noise.shot * shape, noise.read * shape)), NOTHING
    )
    assert np.allclose(found.noise.shot / found.noise.shot.mean(), shape / shape.mean(), rtol=1e-4)


def test_the_photo_alone_is_enough(frame):
    found = find_noise(dataclasses.replace(frame, noise_profile=None), NOTHING)
    assert found.noise.sigma_at() == pytest.approx(frame.noise_profile.sigma_at(), rel=0.12)


def test_iso_is_a_hint_and_the_option_noise_an_order(frame):
    true = frame.noise_profile.sigma_at()
    by_iso = find_noise(frame, NoiseSettings(iso=32_000))
    assert "ISO 32000" in by_iso.origin
    assert by_iso.noise.sigma_at() == pytest.approx(true, rel=0.15)
    told = find_noise(frame, NoiseSettings(noise=(1e-4, 1e-7)))
    assert told.origin == "option --noise"
    assert float(told.noise.shot[0]) == pytest.approx(1e-4)
    assert np.array_equal(told.told.shot, told.noise.shot)
    assert "the photo itself says sigma" in told.warning


def test_a_network_is_told_the_more_the_less_is_known(frame):
    sure = find_noise(frame, NOTHING)
    unsure = find_noise(dataclasses.replace(frame, noise_profile=None), NOTHING)
    for found in (sure, unsure):
        assert 1 < found.told.sigma_at() / found.noise.sigma_at() < 1.3
    assert sure.width < unsure.width


@pytest.mark.parametrize("level", [0.0, 0.5, 2.0])
def test_a_frame_of_one_value_is_refused_unless_the_noise_is_known(frame, level):
    blank = frame.with_samples(np.full_like(frame.samples, frame.levels.white * level))
    with pytest.raises(InvalidNoiseError, match="--iso N or --noise SHOT,READ"):
        find_noise(dataclasses.replace(blank, noise_profile=None), NOTHING)
    found = find_noise(blank, NOTHING)
    assert found.noise.sigma_at() == pytest.approx(frame.noise_profile.sigma_at(), rel=0.02)


@pytest.mark.parametrize(
    ("name", "sigma"),
    [
        ("clip_below_white/share0.01_sd0.dng", 0.019),
        ("clip_below_white/share0.02_sd30.dng", 0.019),
        ("float_white_one/no_profile.dng", 0.018),
    ],
)
def test_the_known_cases(shared, name, sigma):
    found = find_noise(read_raw(shared / "cases" / name).frame, NOTHING)
    assert found.noise.sigma_at() == pytest.approx(sigma, rel=0.08)
    assert (float(found.clip.max()) < 0.93) == ("clip" in name)


@pytest.mark.parametrize(("shown", "believed"), [(3.0, True), (8.0, False), (0.3, False)])
def test_a_low_tag_is_believed_where_texture_may_be_all_that_the_photo_shows(shown, believed):
    """Shot noise 1e-5, sigma 0.13 % at 18 % signal; fine texture reads as up to 0.5 %."""
    tag = NoiseModel.uniform(1e-5, 2e-10)
    signal = np.linspace(0.02, 0.8, 200)
    log_sigma = math.log(shown) + 0.5 * np.log(1e-5 * signal + 2e-10)
    belief = measured_belief(signal, log_sigma, np.full((200,), -2.5, np.float32))
    measured = MeasuredNoise(belief, (NoisePoint(0, 0.2, 1e-5, 10),), np.ones((4,), np.float32), 0.0)
    found = weighed([Evidence("NoiseProfile tag", tag, TAG_WIDTH)], measured, signal=0.2)
    assert found.origin == ("NoiseProfile tag" if believed else "the photo itself")
    assert found.noise.sigma_at() == pytest.approx((1 if believed else shown) * tag.sigma_at(), rel=0.1)


def test_a_belief_is_the_mean_of_its_witnesses_in_logarithms():
    one, other = NoiseModel.uniform(1e-3, 4e-6), NoiseModel.uniform(4e-3, 64e-6)
    belief = stated_belief(one, 0.2, liar=0.0) & stated_belief(other, 0.2, liar=0.0)
    shot, read = belief.shot_and_read()
    assert shot == pytest.approx(2e-3, rel=0.02)
    assert read == pytest.approx(16e-6, rel=0.1)
    assert belief.width() == pytest.approx(0.2 / 2**0.5, rel=0.15)


def test_what_is_not_seen_comes_from_the_prior():
    """Bright pieces only: read noise stays what sensors have."""
    noise = NoiseModel.uniform(1e-3, 1.8e-3**2)
    signal = np.linspace(0.4, 0.9, 200)
    log_sigma = 0.5 * np.log(1e-3 * signal + 1.8e-3**2)
    belief = prior_belief() & measured_belief(signal, log_sigma, np.full((200,), -2.5, np.float32))
    shot, read = belief.shot_and_read()
    assert shot == pytest.approx(1e-3, rel=0.05)
    assert 0.8 < (read / float(noise.read[0])) ** 0.5 < 1.25
    assert belief.width(0.001) > 1.5 * belief.width(0.5)

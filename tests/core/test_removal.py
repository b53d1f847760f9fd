import itertools

import numpy as np
import pytest

from rawclean.core.bayer import BayerPattern
from rawclean.core.colour import SRGB_TO_XYZ, Colour
from rawclean.core.layout import PlainLayout, mosaic_of, noise_of_planes
from rawclean.core.noise import NoiseModel
from rawclean.core.removal import noise_left, removal_of
from rawclean.core.shares import ByIso, Shares
from rawclean.core.xtrans import PLANE_COLOURS, XTransPattern

NOISE = NoiseModel.per_plane([4e-3, 5e-3, 5e-3, 6e-3], [3e-5, 2e-5, 2e-5, 4e-5])
COLOUR = Colour((2.1, 1.0, 1.6), np.array([[0.9, -0.3, -0.1], [-0.4, 1.2, 0.2], [-0.1, 0.2, 0.6]], np.float32))
MOSAICS = [*BayerPattern, XTransPattern(2, 1)]


def planes_of(layout):
    return list(PLANE_COLOURS) if isinstance(layout, XTransPattern) else [0, 1, 1, 2]


def grey_noise(layout, grey=0.18):
    """Noise of a grey surface of 18 % signal in green, (P, 400, 400)."""
    seen = planes_of(layout)
    signal = grey / np.array(COLOUR.wb_gains)[seen]
    noise = noise_of_planes(mosaic_of(layout), NOISE)
    sigma = np.sqrt(noise.shot * signal + noise.read)
    return np.random.default_rng(0).standard_normal((len(seen), 400, 400)) * sigma[:, None, None]


def developed(layout, planes):
    """Linear sRGB (3, H, W) of the mean of each colour."""
    seen = np.array(planes_of(layout))
    balanced = [planes[seen == each].mean(0) * gain for each, gain in enumerate(COLOUR.wb_gains)]
    return np.tensordot(COLOUR.camera_to_srgb, np.stack(balanced), 1)


def luminance(rgb):
    return np.tensordot(SRGB_TO_XYZ[1], rgb, 1)


@pytest.mark.parametrize("layout", MOSAICS, ids=lambda layout: layout.letters[:6])
def test_brightness_is_luminance_and_what_greens_differ_by(layout):
    noise = grey_noise(layout)
    left = noise - removal_of(Shares(luminance=1.0, colour=0.0), layout, COLOUR).of(noise)
    before, after = developed(layout, noise), developed(layout, left)
    assert np.std(luminance(after)) < 1e-6
    assert np.allclose(after[0] - after[2], before[0] - before[2], atol=1e-6)
    greens = np.array(planes_of(layout)) == 1
    assert np.ptp(left[greens], axis=0).max() < 1e-6


@pytest.mark.parametrize("layout", MOSAICS, ids=lambda layout: layout.letters[:6])
def test_what_is_left_of_brightness_is_grey(layout):
    noise = grey_noise(layout)
    left = noise - removal_of(Shares(luminance=0.0, colour=1.0), layout, COLOUR).of(noise)
    before, after = developed(layout, noise), developed(layout, left)
    assert np.allclose(luminance(after), luminance(before), atol=1e-6)
    assert np.ptp(after, axis=0).max() < 1e-6
    greens = np.array(planes_of(layout)) == 1
    assert np.allclose(np.diff(left[greens], axis=0), np.diff(noise[greens], axis=0), atol=1e-6)


@pytest.mark.parametrize("layout", [*MOSAICS, PlainLayout.LINEAR_RGB, PlainLayout.MONOCHROME], ids=str)
@pytest.mark.parametrize("shares", [Shares(a, b) for a, b in itertools.product((0.0, 0.6, 1.0), repeat=2)], ids=str)
def test_the_profile_of_the_result_is_the_noise_that_is_left(layout, shares):
    network = 0.1
    noise = grey_noise(BayerPattern.RGGB) if isinstance(layout, PlainLayout) else grey_noise(layout)
    if layout is PlainLayout.LINEAR_RGB:
        noise[2] = noise[1]
    removal = removal_of(shares, layout, COLOUR)
    left = noise - (1 - network) * removal.of(noise)
    said = noise_left(removal, network, layout, NOISE, COLOUR)
    for plane, seen in enumerate((0, 1, 1, 2)):
        signal = 0.18 / COLOUR.wb_gains[seen]
        same = [index for index, each in enumerate(planes_of(layout)) if each == seen]
        measured = np.mean([np.var(left[index]) for index in same])
        if len(same) == 2 and layout is not PlainLayout.LINEAR_RGB and seen == 1:
            measured = np.var(left[plane])
        assert said.shot[plane] * signal + said.read[plane] == pytest.approx(measured, rel=0.02)  # 160,000: 0.4 %


def test_equal_shares_take_that_share_of_every_plane():
    noise = grey_noise(BayerPattern.RGGB)
    assert np.allclose(removal_of(Shares(0.7, 0.7), BayerPattern.RGGB, COLOUR).of(noise), 0.7 * noise)
    nearly = removal_of(Shares(0.7, 0.7000001), BayerPattern.RGGB, COLOUR)
    assert np.allclose(nearly.of(noise), 0.7 * noise, atol=1e-6)


def test_monochrome_has_brightness_only():
    noise = grey_noise(BayerPattern.RGGB)
    kept = removal_of(Shares(0.0, 1.0), PlainLayout.MONOCHROME, COLOUR).of(noise)
    assert np.abs(kept).max() < 1e-6


def test_a_share_by_iso_goes_evenly_over_its_logarithm():
    share = ByIso(((100, 0.4), (6400, 1.0)))
    assert [share.at(iso) for iso in (50, 100, 800, 6400, 25600)] == pytest.approx([0.4, 0.4, 0.7, 1.0, 1.0])


@pytest.mark.parametrize("points", [(), ((100, 1.1),), ((0.5, 1),), ((200, 0.1), (100, 0.2)), ((100, float("nan")),)])
def test_points_that_are_none_are_refused(points):
    with pytest.raises(ValueError, match=r"ISO|share"):
        ByIso(points)

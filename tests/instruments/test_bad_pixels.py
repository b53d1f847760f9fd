"""Bad pixels are found and replaced; stars, lines, edges and real photos stay."""

import dataclasses

import numpy as np
import pytest
from dng_factory import make_frame

from rawclean.core.bad_pixels import repaired
from rawclean.core.bayer import BayerPattern
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import BadPixels
from rawclean.core.layout import PlainLayout
from rawclean.core.noise import NoiseModel, read_on_line
from rawclean.core.xtrans import XTransPattern
from rawclean.evaluation.scenes import read_scenes
from rawclean.instruments.bad_pixels import find_bad_sites, map_bad_pixels
from rawclean.io.raw import read_raw

GAINS = {"R": 0.5, "G": 1.0, "B": 0.6}
"""What the colours of a mosaic see of white light."""
LAYOUTS = [*BayerPattern, PlainLayout.MONOCHROME, XTransPattern(0, 0), XTransPattern(2, 5)]
NOISE = NoiseModel.uniform(1e-3, 2e-6)


def seen(light, layout):
    """Light (H, W) through the colours of a mosaic."""
    letters = "G" if isinstance(layout, PlainLayout) else layout.letters
    period = round(len(letters) ** 0.5)
    gains = np.array([GAINS[letter] for letter in letters], np.float32).reshape(period, period)
    height, width = light.shape
    return (light * np.tile(gains, (height // period + 1, width // period + 1))[:height, :width]).astype(np.float32)


def noisy(clean, seed=0):
    variance = NOISE.shot[0] * clean.clip(min=0) + NOISE.read[0]
    return clean + np.random.default_rng(seed).standard_normal(clean.shape, np.float32) * np.sqrt(variance)


def grid(size, step, margin=8):
    return [(i, j) for i in range(margin, size[0] - margin, step) for j in range(margin, size[1] - margin, step)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("size", [(200, 240), (201, 239)])
def test_isolated_hot_and_dead_sites_are_found_and_nothing_else(layout, size):
    clean = seen(np.broadcast_to(np.linspace(0.1, 0.5, size[1]), size), layout)
    signal, places = noisy(clean), grid(size, 19)
    rows, columns = np.array(places).T
    sigma = np.sqrt(NOISE.shot[0] * clean + NOISE.read[0])[rows, columns]
    hot = np.arange(len(places)) % 3 > 0
    height = np.linspace(10, 50, len(places)) * sigma
    signal[rows, columns] = np.where(hot, signal[rows, columns] + height, 0)
    bad = np.zeros(size, bool)
    bad[rows, columns] = True
    found = find_bad_sites(signal, layout, NOISE)
    deep = hot | (clean[rows, columns] > 10 * sigma)
    assert float(found[rows, columns][deep].mean()) >= 0.98
    assert not (found & ~bad).any()


@pytest.mark.parametrize("layout", [BayerPattern.GBRG, XTransPattern(1, 1), PlainLayout.MONOCHROME], ids=str)
def test_sites_at_the_border_are_found_and_repaired(layout):
    clean = seen(np.full((60, 66), 0.3, np.float32), layout)
    signal = clean.copy()
    corners = [(0, 0), (0, 33), (59, 65), (59, 0), (30, 65), (29, 1)]
    for place in corners:
        signal[place] = 1.0
    bad = find_bad_sites(signal, layout, NOISE)
    assert [tuple(place) for place in np.argwhere(bad).tolist()] == sorted(corners)
    assert np.allclose(repaired(signal, bad, layout), clean)


@pytest.mark.parametrize("layout", [BayerPattern.RGGB, BayerPattern.GRBG, PlainLayout.MONOCHROME], ids=str)
@pytest.mark.parametrize("sd", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("brightness", [0.2, 0.6, 4.0])
@pytest.mark.parametrize("is_noisy", [False, True])
def test_stars_survive(layout, sd, brightness, is_noisy):
    size = (300, 320)
    rng = np.random.default_rng(1)
    light = np.full(size, 0.02, np.float32)
    rows, columns = np.arange(size[0]), np.arange(size[1])
    for row, column in grid(size, 23):
        shift = rng.random(2, np.float32) - 0.5
        across = np.exp(-((rows - row - shift[0]) ** 2) / (2 * sd**2))
        along = np.exp(-((columns - column - shift[1]) ** 2) / (2 * sd**2))
        light += brightness * across[:, None] * along
    signal = seen(light, layout)
    signal = (noisy(signal) if is_noisy else signal).clip(max=1)
    assert not find_bad_sites(signal, layout, NOISE).any()


@pytest.mark.parametrize("layout", [*BayerPattern, PlainLayout.MONOCHROME], ids=str)
@pytest.mark.parametrize("slope", [0.0, 0.21, 0.5, 1.0, 2.7])
@pytest.mark.parametrize("is_noisy", [False, True])
def test_thin_lines_survive(layout, slope, is_noisy):
    rows, columns = np.arange(200.0)[:, None], np.arange(210.0)
    distance = (rows - 3 - slope * columns) % 40 - 20
    width = 0.6 * (1 + slope**2) ** 0.5
    light = 0.1 + 0.6 * np.exp(-(distance**2) / (2 * width**2))
    signal = seen(light, layout)
    assert not find_bad_sites(noisy(signal) if is_noisy else signal, layout, NOISE).any()


@pytest.mark.parametrize("layout", [*BayerPattern, PlainLayout.MONOCHROME], ids=str)
@pytest.mark.parametrize("side", [2, 3, 5])
def test_edges_and_corners_survive(layout, side):
    rows, columns = np.arange(200)[:, None], np.arange(210)
    light = np.where((rows // side + columns // side) % 2 == 0, 0.7, 0.1)
    light[:, 100:] = np.where(rows // side % 7 == 0, 0.8, 0.05)
    assert not find_bad_sites(noisy(seen(light, layout)), layout, NOISE).any()


def test_a_cluster_is_repaired_from_good_sites_only():
    clean = seen(np.broadcast_to(np.linspace(0.2, 0.4, 80), (60, 80)), BayerPattern.RGGB)
    bad = np.zeros((60, 80), bool)
    bad[20:32, 30:44] = bad[:, 60] = bad[5, 5] = True
    mended = repaired(np.where(bad, np.float32(np.nan), clean), bad, BayerPattern.RGGB)
    assert float(np.abs(mended - clean).max()) < 0.03
    assert np.array_equal(mended[~bad], clean[~bad])


def test_what_has_no_good_neighbour_stays():
    signal = np.random.default_rng(0).random((40, 40), np.float32)
    everywhere = np.ones((40, 40), bool)
    assert np.array_equal(repaired(signal, everywhere, BayerPattern.RGGB), signal)


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("choice", BadPixels)
def test_a_frame_is_mapped_as_chosen(pattern, choice):
    frame = make_frame((101, 147), pattern, margins=(9, 12))
    raster = np.where(frame.raster > 12000, np.float32(12000), frame.raster)
    hot, listed = [(30, 40), (61, 73)], [(50, 51), (4, 5)]
    for place in (*hot, *listed):
        raster[place] = 16383
    named = np.zeros(raster.shape, bool)
    named[tuple(np.array(listed).T)] = True
    photo = dataclasses.replace(frame, raster=raster, listed_bad=named)
    mapped = map_bad_pixels(photo, NOISE, choice)
    replaced = {BadPixels.AUTO: [(30, 40), (50, 51), (61, 73)], BadPixels.LIST: [(50, 51)], BadPixels.OFF: []}[choice]
    assert mapped.count == len(replaced)
    changed = np.argwhere(mapped.frame.raster != raster).tolist()
    assert [tuple(place) for place in changed] == replaced


def test_where_many_sites_are_bad_the_repaired_photo_is_searched_again():
    frame = make_frame((301, 420), BayerPattern.RGGB)
    sound = frame.with_samples(
        frame.levels.to_adu(noisy(seen(np.full((301, 420), 0.2, np.float32), BayerPattern.RGGB)))
    )
    hot = np.random.default_rng(2).random((301, 420), np.float32) < 0.01
    faulty = sound.with_samples(np.where(hot, np.float32(frame.levels.white), sound.samples))
    mapped = map_bad_pixels(faulty, NOISE, BadPixels.AUTO)
    around = np.pad(hot, 1).astype(int)
    touched = sum(around[i : i + 301, j : j + 420] for i in range(3) for j in range(3)) > 1
    alone = hot & ~touched
    once = find_bad_sites(frame.levels.to_linear(faulty.samples), BayerPattern.RGGB, NOISE)
    left = (mapped.frame.samples >= frame.levels.white) & alone
    assert int((alone & ~once).sum()) > int(left.sum()) <= 0.01 * int(alone.sum())
    assert not ((mapped.frame.samples != faulty.samples) & ~hot).any()


def test_a_demosaiced_photo_is_not_searched():
    frame = make_frame((64, 96), PlainLayout.LINEAR_RGB)
    frame.raster[:, 30, 10] = 16383
    mapped = map_bad_pixels(frame, NOISE, BadPixels.AUTO)
    assert mapped.count == 0
    assert mapped.frame is frame


def test_a_mosaic_without_anything_odd_is_returned_as_it_is():
    frame = make_frame((64, 96))
    assert map_bad_pixels(frame, NoiseModel.uniform(0.1, 0.1), BadPixels.AUTO).frame is frame


@pytest.mark.parametrize("mosaic", CfaFamily)
def test_photos_keep_their_details(shared, mosaic):
    false, sites = 0, 0
    for scene in read_scenes(shared / "photos" / "dev", 3, mosaic):
        layout = BayerPattern.RGGB if mosaic is CfaFamily.BAYER else XTransPattern(0, 0)
        for shot in (1e-4, 1.6e-3, 1.2e-2):
            planes, _ = scene.noisy(shot)
            side = 2 if mosaic is CfaFamily.BAYER else 3
            signal = layout.unpack(planes, (side * planes.shape[1], side * planes.shape[2]))
            told = NoiseModel.uniform(0.64 * shot, 0.64 * read_on_line(shot))
            false, sites = false + int(find_bad_sites(signal, layout, told).sum()), sites + signal.size
    assert false <= max(1, 2e-6 * sites)  # at most one per megapixel over all photos; these are three


def test_saturated_hot_sites_are_removed(shared):
    hot, sound = (
        read_raw(shared / "cases" / "hot_pixels" / name).frame for name in ("hot.dng", "same_without_hot.dng")
    )
    places = hot.raster >= hot.levels.white
    mapped = map_bad_pixels(hot, hot.noise_profile, BadPixels.AUTO)
    assert mapped.count == int(places.sum()) == 40
    kept = map_bad_pixels(sound, sound.noise_profile, BadPixels.AUTO)
    assert kept.count == 0
    error = (mapped.frame.raster - sound.raster)[places] / sound.levels.scale
    signal = sound.levels.to_linear(sound.raster)[places]
    sigma = np.sqrt(sound.noise_profile.shot[0] * signal + sound.noise_profile.read[0])
    assert float(np.square(error / sigma).mean() ** 0.5) < 1.5
    assert np.array_equal(mapped.frame.raster[~places], hot.raster[~places])

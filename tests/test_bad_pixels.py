"""Bad pixels are found and replaced; stars, lines, edges and real photos stay."""

import dataclasses

import pytest
import torch
from dng_factory import make_frame

from rawclean.core.bad_pixels import repaired
from rawclean.core.bayer import BayerPattern
from rawclean.core.choices import BadPixels
from rawclean.core.layout import PlainLayout
from rawclean.core.mosaics import Mosaic
from rawclean.core.noise import NoiseModel, read_on_line
from rawclean.core.xtrans import XTransPattern
from rawclean.evaluation.scenes import read_scenes
from rawclean.inference.bad_pixels import find_bad_sites, map_bad_pixels
from rawclean.io.raw import read_raw

GAINS = {"R": 0.5, "G": 1.0, "B": 0.6}
"""What the colours of a mosaic see of white light."""
LAYOUTS = [*BayerPattern, PlainLayout.MONOCHROME, XTransPattern(0, 0), XTransPattern(2, 5)]
NOISE = NoiseModel.uniform(1e-3, 2e-6)


def seen(light, layout):
    """Light (H, W) through the colours of a mosaic."""
    letters = "G" if isinstance(layout, PlainLayout) else layout.letters
    period = round(len(letters) ** 0.5)
    gains = torch.tensor([GAINS[letter] for letter in letters]).reshape(period, period)
    height, width = light.shape
    return light * gains.repeat(height // period + 1, width // period + 1)[:height, :width]


def noisy(clean, seed=0):
    rng = torch.Generator().manual_seed(seed)
    variance = NOISE.shot[0] * clean.clamp(min=0) + NOISE.read[0]
    return clean + torch.randn(clean.shape, generator=rng) * variance.sqrt()


def grid(size, step, margin=8):
    return [(i, j) for i in range(margin, size[0] - margin, step) for j in range(margin, size[1] - margin, step)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("size", [(200, 240), (201, 239)])
def test_isolated_hot_and_dead_sites_are_found_and_nothing_else(layout, size):
    clean = seen(torch.linspace(0.1, 0.5, size[1]).expand(size), layout)
    signal, places = noisy(clean), grid(size, 19)
    rows, columns = torch.tensor(places).T
    sigma = (NOISE.shot[0] * clean + NOISE.read[0]).sqrt()[rows, columns]
    hot = torch.arange(len(places)) % 3 > 0
    height = torch.linspace(10, 50, len(places)) * sigma
    signal[rows, columns] = torch.where(hot, signal[rows, columns] + height, 0)
    bad = torch.zeros(size, dtype=torch.bool)
    bad[rows, columns] = True
    found = find_bad_sites(signal, layout, NOISE)
    deep = hot | (clean[rows, columns] > 10 * sigma)
    assert float(found[rows, columns][deep].float().mean()) >= 0.98
    assert not bool((found & ~bad).any())


@pytest.mark.parametrize("layout", [BayerPattern.GBRG, XTransPattern(1, 1), PlainLayout.MONOCHROME], ids=str)
def test_sites_at_the_border_are_found_and_repaired(layout):
    clean = seen(torch.full((60, 66), 0.3), layout)
    signal = clean.clone()
    corners = [(0, 0), (0, 33), (59, 65), (59, 0), (30, 65), (29, 1)]
    for place in corners:
        signal[place] = 1.0
    bad = find_bad_sites(signal, layout, NOISE)
    assert [tuple(place) for place in bad.nonzero().tolist()] == sorted(corners)
    assert torch.allclose(repaired(signal, bad, layout), clean)


@pytest.mark.parametrize("layout", [BayerPattern.RGGB, BayerPattern.GRBG, PlainLayout.MONOCHROME], ids=str)
@pytest.mark.parametrize("sd", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("brightness", [0.2, 0.6, 4.0])
@pytest.mark.parametrize("is_noisy", [False, True])
def test_stars_survive(layout, sd, brightness, is_noisy):
    size = (300, 320)
    rng = torch.Generator().manual_seed(1)
    light = torch.full(size, 0.02)
    rows, columns = torch.arange(size[0]), torch.arange(size[1])
    for row, column in grid(size, 23):
        shift = torch.rand(2, generator=rng) - 0.5
        across = torch.exp(-((rows - row - shift[0]) ** 2) / (2 * sd**2))
        along = torch.exp(-((columns - column - shift[1]) ** 2) / (2 * sd**2))
        light += brightness * across[:, None] * along
    signal = seen(light, layout)
    signal = (noisy(signal) if is_noisy else signal).clamp(max=1)
    assert not bool(find_bad_sites(signal, layout, NOISE).any())


@pytest.mark.parametrize("layout", [*BayerPattern, PlainLayout.MONOCHROME], ids=str)
@pytest.mark.parametrize("slope", [0.0, 0.21, 0.5, 1.0, 2.7])
@pytest.mark.parametrize("is_noisy", [False, True])
def test_thin_lines_survive(layout, slope, is_noisy):
    rows, columns = torch.arange(200.0)[:, None], torch.arange(210.0)
    distance = (rows - 3 - slope * columns).remainder(40) - 20
    width = 0.6 * (1 + slope**2) ** 0.5
    light = 0.1 + 0.6 * torch.exp(-(distance**2) / (2 * width**2))
    signal = seen(light, layout)
    assert not bool(find_bad_sites(noisy(signal) if is_noisy else signal, layout, NOISE).any())


@pytest.mark.parametrize("layout", [*BayerPattern, PlainLayout.MONOCHROME], ids=str)
@pytest.mark.parametrize("side", [2, 3, 5])
def test_edges_and_corners_survive(layout, side):
    rows, columns = torch.arange(200)[:, None], torch.arange(210)
    light = torch.where((rows // side + columns // side) % 2 == 0, 0.7, 0.1)
    light[:, 100:] = torch.where(rows // side % 7 == 0, 0.8, 0.05)
    assert not bool(find_bad_sites(noisy(seen(light, layout)), layout, NOISE).any())


def test_a_cluster_is_repaired_from_good_sites_only():
    clean = seen(torch.linspace(0.2, 0.4, 80).expand(60, 80), BayerPattern.RGGB)
    bad = torch.zeros(60, 80, dtype=torch.bool)
    bad[20:32, 30:44] = bad[:, 60] = bad[5, 5] = True
    mended = repaired(torch.where(bad, torch.nan, clean), bad, BayerPattern.RGGB)
    assert float((mended - clean).abs().max()) < 0.03
    assert torch.equal(mended[~bad], clean[~bad])


def test_what_has_no_good_neighbour_stays():
    signal = torch.rand(40, 40, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones(40, 40, dtype=torch.bool)
    assert torch.equal(repaired(signal, everywhere, BayerPattern.RGGB), signal)


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("choice", BadPixels)
def test_a_frame_is_mapped_as_chosen(pattern, choice):
    frame = make_frame((101, 147), pattern, margins=(9, 12))
    raster = torch.where(frame.raster > 12000, 12000.0, frame.raster)
    hot, listed = [(30, 40), (61, 73)], [(50, 51), (4, 5)]
    for place in (*hot, *listed):
        raster[place] = 16383
    named = torch.zeros(raster.shape, dtype=torch.bool)
    named[tuple(torch.tensor(listed).T)] = True
    photo = dataclasses.replace(frame, raster=raster, listed_bad=named)
    mapped = map_bad_pixels(photo, NOISE, choice)
    replaced = {BadPixels.AUTO: [(30, 40), (50, 51), (61, 73)], BadPixels.LIST: [(50, 51)], BadPixels.OFF: []}[choice]
    assert mapped.count == len(replaced)
    changed = (mapped.frame.raster != raster).nonzero().tolist()
    assert [tuple(place) for place in changed] == replaced


def test_where_many_sites_are_bad_the_repaired_photo_is_searched_again():
    frame = make_frame((301, 420), BayerPattern.RGGB)
    sound = frame.with_samples(frame.levels.to_adu(noisy(seen(torch.full((301, 420), 0.2), BayerPattern.RGGB))))
    hot = torch.rand((301, 420), generator=torch.Generator().manual_seed(2)) < 0.01
    faulty = sound.with_samples(torch.where(hot, frame.levels.white, sound.samples))
    mapped = map_bad_pixels(faulty, NOISE, BadPixels.AUTO)
    touched = torch.nn.functional.avg_pool2d(hot[None].float(), 3, stride=1, padding=1)[0] > 1.5 / 9
    alone = hot & ~touched
    once = find_bad_sites(frame.levels.to_linear(faulty.samples), BayerPattern.RGGB, NOISE)
    left = (mapped.frame.samples >= frame.levels.white) & alone
    assert int((alone & ~once).sum()) > int(left.sum()) <= 0.01 * int(alone.sum())
    assert not bool(((mapped.frame.samples != faulty.samples) & ~hot).any())


def test_a_demosaiced_photo_is_not_searched():
    frame = make_frame((64, 96), PlainLayout.LINEAR_RGB)
    frame.raster[:, 30, 10] = 16383
    mapped = map_bad_pixels(frame, NOISE, BadPixels.AUTO)
    assert mapped.count == 0
    assert mapped.frame is frame


def test_a_mosaic_without_anything_odd_is_returned_as_it_is():
    frame = make_frame((64, 96))
    assert map_bad_pixels(frame, NoiseModel.uniform(0.1, 0.1), BadPixels.AUTO).frame is frame


@pytest.mark.parametrize("mosaic", Mosaic)
def test_photos_keep_their_details(shared, mosaic):
    false, sites = 0, 0
    for scene in read_scenes(shared / "photos" / "dev", 3, mosaic):
        layout = BayerPattern.RGGB if mosaic is Mosaic.BAYER else XTransPattern(0, 0)
        for shot in (1e-4, 1.6e-3, 1.2e-2):
            planes, _ = scene.noisy(shot)
            side = 2 if mosaic is Mosaic.BAYER else 3
            signal = layout.unpack(planes, (side * planes.shape[1], side * planes.shape[2]))
            told = NoiseModel.uniform(0.64 * shot, 0.64 * read_on_line(shot))
            false, sites = false + int(find_bad_sites(signal, layout, told).sum()), sites + signal.numel()
    assert false <= max(1, 2e-6 * sites)  # at most one per megapixel over all photos; these are three


def test_saturated_hot_sites_are_removed(shared):
    hot, sound = (read_raw(shared / "cases" / "hot_pixels" / name) for name in ("hot.dng", "same_without_hot.dng"))
    places = hot.raster >= hot.levels.white
    mapped = map_bad_pixels(hot, hot.noise_profile, BadPixels.AUTO)
    assert mapped.count == int(places.sum()) == 40
    kept = map_bad_pixels(sound, sound.noise_profile, BadPixels.AUTO)
    assert kept.count == 0
    error = (mapped.frame.raster - sound.raster)[places] / sound.levels.scale
    signal = sound.levels.to_linear(sound.raster)[places]
    sigma = (sound.noise_profile.shot[0] * signal + sound.noise_profile.read[0]).sqrt()
    assert float((error / sigma).square().mean().sqrt()) < 1.5
    assert torch.equal(mapped.frame.raster[~places], hot.raster[~places])

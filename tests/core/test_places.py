"""Where a photographer looks: on what is drawn for one claim each, and on photos."""

import numpy as np
import pytest

from rawclean.core.places import PlaceKind, find_places
from rawclean.io.render import picture_of

SKIN, GREY = (205, 160, 135), (150, 150, 150)
HEIGHT, WIDTH, SIDE = 400, 600, 100


@pytest.fixture
def picture():
    """Grey with a little structure everywhere, so that every kind of place is somewhere."""
    noise = np.random.default_rng(0).normal(0, 2, (HEIGHT, WIDTH, 1))
    return (np.array(GREY) + noise).clip(0, 255).astype(np.uint8)


def found(picture, kind, noisy=None):
    (place,) = find_places(picture, (SIDE, SIDE), noisy, [kind])
    return place


def test_skin_goes_before_even_grey(picture):
    picture[150:230, 300:380] = SKIN
    assert (picture[found(picture, PlaceKind.TONE).slices] == SKIN).all(axis=2).mean() > 0.4


def test_a_red_shirt_is_no_skin(picture):
    picture[:200] = (190, 30, 40)
    picture[300:, 400:] = SKIN
    assert (picture[found(picture, PlaceKind.TONE).slices] == SKIN).all(axis=2).mean() > 0.4


def test_clipped_parts_have_no_tone(picture):
    picture[:200] = 255
    assert found(picture, PlaceKind.TONE).top >= 200 - SIDE // 10


def test_texture_goes_before_one_hard_edge(picture):
    picture[:, 300:] = 0
    blocks = np.random.default_rng(1).integers(100, 200, (20, 20, 1))
    picture[150:250, 50:150] = blocks.repeat(5, axis=0).repeat(5, axis=1)
    place = found(picture, PlaceKind.DETAIL)
    assert abs(place.top - 150) < 10
    assert abs(place.left - 50) < 10


def test_shadows_are_neither_black_nor_bright(picture):
    picture[:200] = 0
    picture[250:350, 200:300] = 24
    place = found(picture, PlaceKind.SHADOW)
    assert (place.top, place.left) == (250, 200)


def test_the_most_noise_is_where_most_was_removed(picture):
    noisy = picture.copy()
    noisy[200:300, 400:500, 1] += 20
    place = found(picture, PlaceKind.NOISE, noisy)
    assert (place.top, place.left) == (200, 400)


def test_a_black_picture_has_no_places():
    assert find_places(np.zeros((HEIGHT, WIDTH, 3), np.uint8), (SIDE, SIDE)) == []


@pytest.mark.parametrize("size", [(400, 600), (401, 597), (100, 100), (37, 51), (17, 2000)])
@pytest.mark.parametrize("window", [(100, 100), (33, 47), (7, 5), (352, 352)])
def test_places_lie_inside_and_not_over_each_other(size, window):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    places = find_places(picture, window, rng.permutation(picture))
    taken = np.zeros(size, int)
    for place in places:
        taken[place.slices] += 1
        assert taken[place.slices].shape == (place.height, place.width)
        assert (place.height, place.width) == (min(window[0], size[0]), min(window[1], size[1]))
    assert places
    assert taken.max() == 1


@pytest.mark.parametrize(("name", "nose"), [("g187", (460, 215)), ("g192", (190, 415))])
def test_a_face_is_found_by_its_skin(rawclean, shared, tmp_path, name, nose):
    dng = tmp_path / "face.dng"
    assert rawclean("simulate", shared / "photos" / "dev" / f"{name}.png", "-o", dng, "--shot", "0.0002").status == 0
    (place,) = find_places(picture_of(dng), (192, 192), None, [PlaceKind.TONE])
    assert place.top < nose[0] < place.top + place.height
    assert place.left < nose[1] < place.left + place.width

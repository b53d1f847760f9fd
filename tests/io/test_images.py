import warnings

import numpy as np
import pytest
from PIL import Image

from rawclean.errors import UnreadablePhotoError
from rawclean.io.images import read_photo, read_picture

GREY = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
COLOURS = np.dstack([GREY, 255 - GREY, GREY // 2])


@pytest.mark.parametrize(
    ("picture", "seen"),
    [
        (Image.fromarray(COLOURS), COLOURS),
        (Image.fromarray(np.dstack([COLOURS, GREY])), COLOURS),
        (Image.fromarray(GREY), np.dstack([GREY] * 3)),
        (Image.fromarray(GREY.astype(np.uint16) * 257), np.dstack([GREY] * 3)),
        (Image.fromarray(GREY > 127), np.dstack([(GREY > 127) * np.uint8(255)] * 3)),
    ],
    ids=["colours", "alpha", "grey", "grey of 16 bits", "black and white"],
)
def test_a_png_of_any_kind_is_read_as_colours(tmp_path, picture, seen):
    picture.save(tmp_path / "a.png")
    assert np.array_equal(read_picture(tmp_path / "a.png"), seen)
    assert np.array_equal(read_photo(tmp_path / "a.png"), seen.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["EPS", "BMP", "TIFF"])
def test_other_formats_are_no_photo_whatever_their_name(tmp_path, kind):
    Image.fromarray(COLOURS).save(tmp_path / "a.png", kind)
    with pytest.raises(UnreadablePhotoError, match=r"a\.png: not a readable PNG or JPEG photo"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("size", [0, 5, 40, 300])
def test_a_photo_that_is_cut_off_is_named(tmp_path, size):
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:size])
    with pytest.raises(UnreadablePhotoError, match=r"a\.png: "):
        read_picture(tmp_path / "a.png")


def test_nothing_is_said_of_a_large_photo_and_one_that_fills_the_memory_is_refused(tmp_path, monkeypatch):
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", GREY.size - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(read_picture(tmp_path / "a.png"), COLOURS)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", GREY.size // 2 - 1)
    with pytest.raises(UnreadablePhotoError, match=r"a\.png: not a readable PNG"):
        read_picture(tmp_path / "a.png")

import numpy as np
import pytest

from rawclean.core.orientation import in_picture, on_sensor, upright, upright_size

SENSOR = np.arange(6 * 8).reshape(6, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_places_go_with_their_pixels(orientation):
    picture = upright(SENSOR, orientation)
    assert picture.shape == upright_size(SENSOR.shape, orientation)
    for row, column in ((0, 0), (2, 3), (picture.shape[0] - 1, picture.shape[1] - 1)):
        at = on_sensor(row + 0.5, column + 0.5, SENSOR.shape, orientation)
        assert SENSOR[int(at[0]), int(at[1])] == picture[row, column]
        assert in_picture(*at, SENSOR.shape, orientation) == (row + 0.5, column + 0.5)


def test_libraw_turns_photos_so(sample, tmp_path):
    """Against another program: LibRaw's development of a DNG whose tag says how it lies."""
    import dataclasses

    from rawclean.io.raw import read_raw
    from rawclean.io.render import render_frame

    frame = read_raw(sample).frame.cut(0, 0, 96, 160)
    lying = render_frame(dataclasses.replace(frame, orientation=1))
    for orientation in range(1, 9):
        turned = render_frame(dataclasses.replace(frame, orientation=orientation))
        assert np.array_equal(turned, upright(lying, orientation)), orientation

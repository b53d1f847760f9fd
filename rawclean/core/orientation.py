"""How a photo lies (EXIF Orientation): from the sensor to the upright picture and back."""

from typing import Any

TURNED, ROWS_REVERSED, COLUMNS_REVERSED = {5, 6, 7, 8}, {3, 4, 7, 8}, {2, 3, 6, 7}
"""Orientations whose picture has the sensor's rows as columns, and is then reversed in its rows and columns."""


def upright(picture: Any, orientation: int) -> Any:
    """An array (H, W, ...) as the sensor saw it, as people did; a view."""
    if orientation in TURNED:
        picture = picture.swapaxes(0, 1)
    return picture[
        :: -1 if orientation in ROWS_REVERSED else 1,
        :: -1 if orientation in COLUMNS_REVERSED else 1,
    ]


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Height and width of the picture of a sensor's (height, width)."""
    return (size[1], size[0]) if orientation in TURNED else size


def on_sensor(row: float, column: float, size: tuple[int, int], orientation: int) -> tuple[float, float]:
    """Row and column on a sensor of `size` (H, W) of a place in the picture; edges are 0 and the side."""
    height, width = upright_size(size, orientation)
    row = height - row if orientation in ROWS_REVERSED else row
    column = width - column if orientation in COLUMNS_REVERSED else column
    return (column, row) if orientation in TURNED else (row, column)


def in_picture(row: float, column: float, size: tuple[int, int], orientation: int) -> tuple[float, float]:
    """Undo `on_sensor`."""
    row, column = (column, row) if orientation in TURNED else (row, column)
    height, width = upright_size(size, orientation)
    row = height - row if orientation in ROWS_REVERSED else row
    return row, width - column if orientation in COLUMNS_REVERSED else column

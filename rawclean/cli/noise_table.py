"""Noise by brightness, as a table on the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rawclean.cli.progress import print_table

if TYPE_CHECKING:
    from rawclean.evaluation.noise_chart import Point, Witness


def print_noise_table(points: "Sequence[Point]", witnesses: "Sequence[Witness]") -> None:
    """Standard deviation at each brightness: as measured in the planes, and as each witness has it."""
    from rawclean.evaluation.noise_chart import PLANES, rows_by_brightness

    rows = [row.cells for row in rows_by_brightness(points, witnesses)]
    head = ["signal", *PLANES, *(witness.short for witness in witnesses)]
    print_table("standard deviation of the noise, % of white", head, rows)

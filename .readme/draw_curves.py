"""The curves of the model card: how a training's loss falls over its steps.

    python .readme/draw_curves.py curves.svg "standard-general=run/log.csv+run2/log.csv" "student-xtrans=run3/log.csv"

reads the log of each training; logs joined by + are of trainings that went on from one another.
"""

import csv
import math
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from rawclean.evaluation.drawing import Anchor, Drawing, Line, Shape, Words, to_svg
from rawclean.evaluation.lab_report import COLOURS, GRID, INK, SOFT

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 420, 70, 190, 50, 60
AT_ONCE = 1000
"""Steps whose mean is drawn: one step sees a few crops."""
LEAST, MOST = 2.0, 7.5
"""Range of dB that is drawn."""
DECIBELS = 10 / math.log(10)
"""Per neper: the loss is the log of the error relative to the noise that was there."""

Curve = list[tuple[float, float]]
"""Steps, and dB of noise taken off."""


def main(out: str, *named: str) -> None:
    """Draw all curves into one SVG."""
    curves = {name: read_curve(files.split("+")) for name, _, files in (each.partition("=") for each in named)}
    title = "Noise taken off the training crops, by steps"
    drawing = Drawing(WIDTH, HEIGHT, list(shapes_of(curves, title)), title)
    Path(out).write_text(to_svg(drawing), encoding="utf-8")


def read_curve(files: list[str]) -> Curve:
    """Means over AT_ONCE steps, each training's after those before."""
    curve: Curve = []
    for file in files:
        begun = curve[-1][0] if curve else 0.0
        with Path(file).open(encoding="utf-8") as log:
            rows = [(float(row["step"]), -DECIBELS * float(row["loss"])) for row in csv.DictReader(log)]
        for end in range(AT_ONCE, int(rows[-1][0]) + 1, AT_ONCE):
            curve.append((begun + end, statistics.fmean(loss for step, loss in rows if end - AT_ONCE < step <= end)))
    return curve


def shapes_of(curves: dict[str, Curve], title: str) -> Iterator[Shape]:
    """Grid, axes, curves and their names."""
    longest = max(curve[-1][0] for curve in curves.values())

    def place(step: float, gained: float) -> tuple[float, float]:
        x = LEFT + step / longest * (WIDTH - LEFT - RIGHT)
        return x, HEIGHT - BOTTOM - (gained - LEAST) / (MOST - LEAST) * (HEIGHT - TOP - BOTTOM)

    for gained in range(math.ceil(LEAST), math.floor(MOST) + 1):
        yield Line([place(0, gained), place(longest, gained)], GRID)
        yield Words((LEFT - 8, place(0, gained)[1] + 4), str(gained), 11, SOFT, Anchor.RIGHT)
    for step in range(0, int(longest) + 1, 5000):
        yield Line([place(step, LEAST), place(step, MOST)], GRID)
        yield Words((place(step, LEAST)[0], HEIGHT - BOTTOM + 17), f"{step:,}", 11, SOFT, Anchor.MIDDLE)
    yield Words(((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 40), "steps", 12, INK, Anchor.MIDDLE)
    yield Words((26, (TOP + HEIGHT - BOTTOM) / 2), "dB, mean of crops", 12, INK, Anchor.MIDDLE, upright=False)
    yield Words((LEFT, 28), title, 18, INK)
    for index, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        yield Line([place(*point) for point in curve], colour, 2.0)
        yield Line(
            [(WIDTH - RIGHT + 16, TOP + 10 + 22 * index), (WIDTH - RIGHT + 36, TOP + 10 + 22 * index)], colour, 3.0
        )
        yield Words((WIDTH - RIGHT + 44, TOP + 14 + 22 * index), name, 12, INK)


if __name__ == "__main__":
    main(*sys.argv[1:])

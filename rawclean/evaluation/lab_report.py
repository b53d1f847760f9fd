"""The results of a lab: a table as Markdown and JSON, and a picture of quality against time."""

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rawclean.core.typed import plain
from rawclean.evaluation.benchmark import markdown_lines
from rawclean.evaluation.drawing import Anchor, Dot, Drawing, Line, Shape, Words, to_svg
from rawclean.evaluation.lab_score import LabScore
from rawclean.evaluation.scenes import SHOT_LEVELS
from rawclean.io.atomic import write_atomically

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT, TOP, BOTTOM = 84, 190, 60, 62
"""Margins around the axes."""
COLOURS = ("#2b62d9", "#d1342f", "#2f9e44", "#e08a00", "#8b4fc6", "#12908e", "#7a6a53")
"""Of the networks."""
FRONT, GRID, INK, SOFT = "#111111", "#e4e4e4", "#222222", "#666666"
LETTER_HEIGHT = 12.0
"""Least distance of two labels."""


@dataclass(frozen=True, slots=True)
class LabRow:
    """One cell: means over its seeds."""

    network: str
    loss: str
    seeds: int
    levels: tuple[float, ...]
    """Raw PSNR in dB by shot noise."""
    mean: float
    """Over levels."""
    spread: float | None
    """Standard deviation of the mean from seed to seed."""
    faults_told: float | None
    faults_blind: float | None
    parameters: int
    gmac_per_megapixel: float
    seconds_per_megapixel: float
    on_front: bool
    """Whether no other cell is both faster and better."""


def lab_rows(scores: Mapping[tuple[str, str], Sequence[LabScore]]) -> list[LabRow]:
    """The rows of all cells, by network and loss, that have a score."""
    means = {
        cell: statistics.fmean(statistics.fmean(score.levels) for score in found) for cell, found in scores.items()
    }
    times = {cell: _best_time(cell[0], scores) for cell in scores}
    return [
        LabRow(
            *cell,
            seeds=len(found),
            levels=tuple(map(statistics.fmean, zip(*(score.levels for score in found), strict=True))),
            mean=means[cell],
            spread=statistics.stdev(statistics.fmean(score.levels) for score in found) if len(found) > 1 else None,
            faults_told=_mean_or_none([score.faults_told for score in found]),
            faults_blind=_mean_or_none([score.faults_blind for score in found]),
            parameters=found[0].parameters,
            gmac_per_megapixel=found[0].gmac_per_megapixel,
            seconds_per_megapixel=times[cell],
            on_front=not any(
                (times[other] <= times[cell] and means[other] > means[cell])
                or (times[other] < times[cell] and means[other] == means[cell])
                for other in scores
            ),
        )
        for cell, found in scores.items()
    ]


def write_report(folder: Path, rows: Sequence[LabRow], steps: int) -> None:
    """Write lab.md, lab.json and lab.svg; raises OutputError."""
    table = {"steps": steps, "shots": SHOT_LEVELS, "cells": plain(list(rows))}
    write_atomically(folder / "lab.json", [json.dumps(table, indent=1).encode()])
    write_atomically(folder / "lab.md", [(to_markdown(rows, steps) + "\n").encode()])
    write_atomically(folder / "lab.svg", [to_svg(draw(rows, steps)).encode()])


def to_markdown(rows: Sequence[LabRow], steps: int) -> str:
    """The table; what is on the front is bold."""
    head = ["network", "loss", "seeds", *(f"{shot:g}" for shot in SHOT_LEVELS), "mean", "from seed to seed"]
    costs = ["faults, told", "faults, blind", "parameters", "GMAC/MP", "s/MP"]
    body = [
        [
            *(row.network, row.loss, str(row.seeds)),
            *(f"{level:.2f}" for level in row.levels),
            f"**{row.mean:.3f}**" if row.on_front else f"{row.mean:.3f}",
            "" if row.spread is None else f"{row.spread:.3f}",
            *("" if faults is None else f"{faults:.2f}" for faults in (row.faults_told, row.faults_blind)),
            *(f"{row.parameters:,}", f"{row.gmac_per_megapixel:.2f}", f"{row.seconds_per_megapixel:.4f}"),
        ]
        for row in rows
    ]
    told = f"Raw PSNR in dB by shot noise after {steps:,} steps; bold: no other cell is both faster and better."
    return f"{told}\n\n{markdown_lines([[*head, *costs], *body])}"


def draw(rows: Sequence[LabRow], steps: int) -> Drawing:
    """Quality against time: a dot for each cell, a line through the Pareto front."""
    axes = _Axes.around(rows)
    front = sorted((row for row in rows if row.on_front), key=lambda row: row.seconds_per_megapixel)
    line = Line([axes.place(row) for row in front], FRONT, 1.6, (6, 4))
    title = f"Quality against time after {steps:,} steps"
    shapes: list[Shape] = [*_frame(axes, title), line, *_cells(axes, rows)]
    return Drawing(WIDTH, HEIGHT, shapes, title)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Ranges: powers of ten of the seconds per megapixel, and dB."""

    left: float
    right: float
    low: float
    high: float

    @classmethod
    def around(cls, rows: Sequence[LabRow]) -> "_Axes":
        """Ranges that hold all cells, with some room."""
        times = [math.log10(row.seconds_per_megapixel) for row in rows]
        means = [row.mean for row in rows]
        room = 0.1 * (max(means) - min(means)) + 0.01
        return cls(min(times) - 0.1, max(times) + 0.16, min(means) - room, max(means) + room)

    def place(self, row: LabRow) -> tuple[float, float]:
        """Where a cell's dot is."""
        return self.x(math.log10(row.seconds_per_megapixel)), self.y(row.mean)

    def x(self, power: float) -> float:
        return LEFT + (power - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)

    def y(self, mean: float) -> float:
        return HEIGHT - BOTTOM - (mean - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _frame(axes: _Axes, title: str) -> Iterator[Shape]:
    """Grid, numbers and names of the axes."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for power in range(math.floor(axes.left), math.ceil(axes.right) + 1):
        for digit in (1, 1.5, 2, 3, 5, 7):
            at = power + math.log10(digit)
            if axes.left <= at <= axes.right:
                yield Line([(axes.x(at), TOP), (axes.x(at), bottom)], GRID)
                yield Words((axes.x(at), bottom + 17), f"{digit * 10.0**power:g}", 11, SOFT, Anchor.MIDDLE)
    step = _step(axes.high - axes.low)
    for index in range(math.ceil(axes.low / step), math.floor(axes.high / step) + 1):
        yield Line([(LEFT, axes.y(index * step)), (right, axes.y(index * step))], GRID)
        yield Words((LEFT - 8, axes.y(index * step) + 4), f"{index * step:.2f}", 11, SOFT, Anchor.RIGHT)
    yield Line([(LEFT, TOP), (LEFT, bottom), (right, bottom), (right, TOP), (LEFT, TOP)], SOFT)
    yield Words(((LEFT + right) / 2, bottom + 40), "seconds per megapixel, network step", 12, INK, Anchor.MIDDLE)
    yield Words((26, (TOP + bottom) / 2), "mean raw PSNR, dB", 12, INK, Anchor.MIDDLE, upright=False)
    yield Words((LEFT, 34), title, 18, INK)


def _cells(axes: _Axes, rows: Sequence[LabRow]) -> Iterator[Shape]:
    """Dots with the names of the losses, which give way to each other, and the networks by colour."""
    networks = list(dict.fromkeys(row.network for row in rows))
    base = TOP + 20 * len(networks) + 24
    yield Line([(WIDTH - RIGHT + 12, base - 4), (WIDTH - RIGHT + 32, base - 4)], FRONT, 1.6, (6, 4))
    yield Words((WIDTH - RIGHT + 40, base), "none faster and better", 12, INK)
    for index, network in enumerate(networks):
        colour = COLOURS[index % len(COLOURS)]
        yield Dot((WIDTH - RIGHT + 20, TOP + 8 + 20 * index), 5.0, colour)
        yield Words((WIDTH - RIGHT + 32, TOP + 12 + 20 * index), network, 12, INK)
        free = math.inf
        for row in sorted((each for each in rows if each.network == network), key=lambda each: each.mean):
            x, y = axes.place(row)
            free = min(y + 4, free - LETTER_HEIGHT)
            yield Dot((x, y), 6.5 if row.on_front else 4.5, FRONT if row.on_front else colour)
            yield Dot((x, y), 4.5, colour)
            yield Words((x + 10, free), row.loss, 11, colour)


def _step(span: float) -> float:
    """A round number of dB, some eight of which fill the axis."""
    power = 10.0 ** math.floor(math.log10(span / 8))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= span / 8)


def _best_time(network: str, scores: Mapping[tuple[str, str], Sequence[LabScore]]) -> float:
    """Of all cells of a network: they cost the same, and the clock is not that exact."""
    return min(score.seconds_per_megapixel for (name, _), found in scores.items() if name == network for score in found)


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None

"""Variance against signal: what a photo, or shots, show, and the lines of all who say something about its noise.

Both axes are logarithmic. There the noise of a sensor, Var(x) = shot * x + read, is level at the left, where read noise
rules, and rises to the right, where photons do; a factor is the same distance everywhere.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from rawclean.core.noise import NoiseModel
from rawclean.errors import UsageError
from rawclean.evaluation.drawing import (
    BACKGROUND,
    Anchor,
    Box,
    Dot,
    Drawing,
    Line,
    Shape,
    Words,
    to_png,
    to_svg,
)
from rawclean.io.atomic import write_atomically
from rawclean.version import __version__

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT, TOP, BOTTOM = 84, 70, 76, 62
"""Margins around the axes."""
PLANES = {"R": "#d1342f", "Gr": "#2f9e44", "Gb": "#12908e", "B": "#2b62d9"}
"""Name and colour of each plane."""
LINES = ("#e08a00", "#8b4fc6", "#b0578d", "#7a6a53", "#5d7a00")
"""Colours of the witnesses."""
CONCLUSION, GRID, INK, SOFT = "#111111", "#e4e4e4", "#222222", "#666666"
DARKEST, LEAST_RANGE = 1e-4, 1e-2
"""Bounds of the left end of the axis of signals."""
BRIGHTNESS = (0.0, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, math.inf)
"""Edges of the rows of the table."""
STEPS = 120
LETTER = 6.3
"""Mean width of a letter of the legend."""


class Point(Protocol):
    """A place of known noise."""

    @property
    def plane(self) -> int:
        """0 to 3: R, Gr, Gb, B."""

    @property
    def signal(self) -> float:
        """Mean, linear."""

    @property
    def variance(self) -> float:
        """Of the noise there."""

    @property
    def count(self) -> int:
        """How much it weighs."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who names the noise."""

    name: str
    noise: NoiseModel
    short: str
    """Its name at the head of a column."""
    concludes: bool = False
    """Whether this is what all others come to."""

    def variance(self, signal: float) -> float:
        """Mean over the planes."""
        return float((self.noise.shot * max(signal, 0.0) + self.noise.read).mean())


@dataclass(frozen=True, slots=True)
class NoiseChart:
    """What is drawn."""

    title: str
    subtitle: str
    points: Sequence[Point]
    witnesses: Sequence[Witness]


@dataclass(frozen=True, slots=True)
class Row:
    """Standard deviations at about one brightness."""

    signal: float
    measured: tuple[float | None, ...]
    """In R, Gr, Gb and B."""
    stated: tuple[float, ...]
    """By each witness."""

    @property
    def cells(self) -> list[str]:
        """All as text, in percent of white."""
        sigmas = ("" if value is None else f"{100 * value:.3g}" for value in (*self.measured, *self.stated))
        return [f"{round(100 * self.signal, 3):.3g}", *sigmas]


class ChartFormat(Enum):
    """What a chart can be written as; the value is the suffix."""

    SVG = ".svg"
    PNG = ".png"
    HTML = ".html"


def chart_format(path: Path) -> ChartFormat:
    """What the suffix of `path` asks for; raises UsageError where it is none of them."""
    try:
        return ChartFormat(path.suffix.lower())
    except ValueError as error:
        raise UsageError(f"{path}: a chart is written as .svg, .png or .html; name one of them") from error


def write_chart(path: Path, chart: NoiseChart) -> None:
    """Write a chart in the format that the suffix of `path` names; raises OutputError."""
    kind = chart_format(path)
    picture = draw(chart)
    if kind is ChartFormat.PNG:
        content = to_png(picture)
    elif kind is ChartFormat.SVG:
        content = to_svg(picture).encode()
    else:
        content = _page(chart, picture).encode()
    write_atomically(path, [content])


def rows_by_brightness(points: Sequence[Point], witnesses: Sequence[Witness]) -> Iterator[Row]:
    """The points as rows of a table, from dark to bright."""
    for low, high in zip(BRIGHTNESS, BRIGHTNESS[1:], strict=False):
        inside = [point for point in points if low <= max(point.signal, 0.0) < high]
        if not inside:
            continue
        signal = _mean(inside, [point.signal for point in inside])
        measured = tuple(_sigma([point for point in inside if point.plane == plane]) for plane in range(len(PLANES)))
        yield Row(signal, measured, tuple(math.sqrt(witness.variance(signal)) for witness in witnesses))


def draw(chart: NoiseChart) -> Drawing:
    """The picture of a chart."""
    axes = _Axes.around(chart)
    noise: list[Shape] = [*_lines(axes, chart.witnesses), *_dots(axes, chart.points)]
    shapes = [*_frame(axes), *_legend(chart), *noise, *_titles(chart)]
    return Drawing(WIDTH, HEIGHT, shapes, f"{chart.title}: noise variance against signal")


@dataclass(frozen=True, slots=True)
class _Axes:
    """Ranges in powers of ten."""

    left: float
    low: float
    high: float

    @classmethod
    def around(cls, chart: NoiseChart) -> "_Axes":
        """Ranges that hold all points and lines."""
        left = max(DARKEST, min([LEAST_RANGE, *(point.signal for point in chart.points)]))
        left = 10 ** math.floor(math.log10(left) + 1e-9)
        shown = [point.variance for point in chart.points if point.variance > 0]
        shown += [variance for who in chart.witnesses for at in (left, 1.0) if (variance := who.variance(at)) > 0]
        low, high = (min(shown), max(shown)) if shown else (1e-6, 1e-3)
        return cls(
            math.log10(left), math.floor(2 * math.log10(low) - 0.1) / 2, math.ceil(2 * math.log10(high) + 0.1) / 2
        )

    def x(self, signal: float) -> float:
        """Position of a signal; what is darker than the axis is at its end."""
        share = (math.log10(max(signal, 1e-12)) - self.left) / -self.left
        return LEFT + max(share, 0.0) * (WIDTH - LEFT - RIGHT)

    def y(self, variance: float) -> float:
        """Position of a variance."""
        share = (math.log10(max(variance, 1e-30)) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)


def _frame(axes: _Axes) -> Iterator[Line | Words]:
    """Grid, numbers and names of the axes."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for power in range(math.ceil(axes.left), 1):
        for digit in (1, 2, 5) if power < 0 else (1,):
            x = axes.x(digit * 10.0**power)
            yield Line([(x, TOP), (x, bottom)], GRID)
            yield Words((x, bottom + 17), f"{digit * 10.0**power * 100:g} %", 11, SOFT, Anchor.MIDDLE)
    for power in range(math.ceil(axes.low), math.floor(axes.high) + 1):
        y = axes.y(10.0**power)
        yield Line([(LEFT, y), (right, y)], GRID)
        yield Words((LEFT - 8, y + 4), f"1e{power}", 11, SOFT, Anchor.RIGHT)
    for power in range(math.ceil(axes.low / 2 - 1), math.floor(axes.high / 2) + 1):
        for digit in (1, 2, 5):
            sigma = digit * 10.0**power
            if axes.low <= 2 * math.log10(sigma) <= axes.high:
                y = axes.y(sigma**2)
                yield Line([(right, y), (right + 4, y)], SOFT)
                yield Words((right + 8, y + 4), f"{sigma * 100:g} %", 11, SOFT)
    yield Line([(LEFT, TOP), (LEFT, bottom), (right, bottom), (right, TOP), (LEFT, TOP)], SOFT)
    yield Words(((LEFT + right) / 2, bottom + 40), "signal, share of white", 12, INK, Anchor.MIDDLE)
    yield Words((26, (TOP + bottom) / 2), "variance of the noise", 12, INK, Anchor.MIDDLE, upright=False)
    yield Words((WIDTH - 8, TOP - 10), "standard deviation", 11, SOFT, Anchor.RIGHT)


def _lines(axes: _Axes, witnesses: Sequence[Witness]) -> Iterator[Line]:
    """The conclusion over the others."""
    signals = [10 ** (axes.left * (1 - step / STEPS)) for step in range(STEPS + 1)]
    for witness, colour in sorted(_coloured(witnesses), key=lambda pair: pair[0].concludes):
        places = [(axes.x(signal), axes.y(witness.variance(signal))) for signal in signals]
        yield Line(places, colour, *_stroke(witness))


def _coloured(witnesses: Sequence[Witness]) -> Iterator[tuple[Witness, str]]:
    colours = iter(LINES * len(witnesses))
    for witness in witnesses:
        yield witness, CONCLUSION if witness.concludes else next(colours)


def _dots(axes: _Axes, points: Sequence[Point]) -> Iterator[Dot]:
    for point in points:
        if point.variance > 0:
            yield Dot((axes.x(point.signal), axes.y(point.variance)), 4.0, list(PLANES.values())[point.plane])


def _titles(chart: NoiseChart) -> Iterator[Words]:
    yield Words((LEFT, 30), chart.title, 18, INK)
    yield Words((LEFT, 52), chart.subtitle, 12, SOFT)


def _legend(chart: NoiseChart) -> Iterator[Shape]:
    """Planes and lines, at the bottom right, below the noise."""
    texts = [f"{witness.name}: {100 * math.sqrt(witness.variance(0.18)):.3g} %" for witness in chart.witnesses]
    width = max(58 + LETTER * max(map(len, texts), default=0), 200)
    x, y = WIDTH - RIGHT - width, HEIGHT - BOTTOM - 20.0 * len(texts) - 52
    yield Box((x - 10, y - 18), (WIDTH - RIGHT - 2, HEIGHT - BOTTOM - 2), BACKGROUND)
    for index, (name, colour) in enumerate(PLANES.items() if chart.points else ()):
        yield Dot((x + 4 + 48 * index, y - 4), 4.0, colour)
        yield Words((x + 14 + 48 * index, y), name, 12, INK)
    yield Words((x, y + 22), "standard deviation at 18 % signal by", 11, SOFT)
    for row, (text, (witness, colour)) in enumerate(zip(texts, _coloured(chart.witnesses), strict=True)):
        base = y + 42 + 20 * row
        width, dash = _stroke(witness)
        yield Line([(x, base - 4), (x + 30, base - 4)], colour, width, dash)
        yield Words((x + 38, base), text, 12, INK)


def _stroke(witness: Witness) -> tuple[float, tuple[float, float] | None]:
    """Width and dashes of a line."""
    return (2.4, None) if witness.concludes else (1.8, (7, 4))


def _page(chart: NoiseChart, picture: Drawing) -> str:
    environment = Environment(loader=PackageLoader("rawclean.evaluation", "."), autoescape=True, trim_blocks=True)
    return environment.get_template("noise_chart.html.j2").render(
        version=__version__,
        chart=chart,
        planes=list(PLANES),
        rows=list(rows_by_brightness(chart.points, chart.witnesses)),
        svg=Markup(to_svg(picture)),  # its own text is escaped
    )


def _mean(points: Sequence[Point], values: Sequence[float]) -> float:
    weights = [max(point.count, 1) for point in points]
    return sum(weight * value for weight, value in zip(weights, values, strict=True)) / sum(weights)


def _sigma(points: Sequence[Point]) -> float | None:
    if not points:
        return None
    return math.sqrt(max(_mean(points, [point.variance for point in points]), 0.0))

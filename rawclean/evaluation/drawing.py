"""A picture of lines, dots and words, once as SVG and once as PNG; positions are in pixels from the top-left."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from jinja2 import Environment, PackageLoader
from PIL import Image, ImageDraw, ImageFont

from rawclean.core.printable import plain_latin

SHARPNESS = 4
"""Factor at which a PNG is drawn before it is reduced, to smooth its edges."""
PNG_SCALE = 2
"""Pixels of a PNG per pixel of the drawing, for screens of today."""
BACKGROUND = "#ffffff"

Place = tuple[float, float]


class Anchor(Enum):
    """Which part of a text is at its place; the value is SVG's word."""

    LEFT = "start"
    MIDDLE = "middle"
    RIGHT = "end"


@dataclass(frozen=True, slots=True)
class Line:
    """Straight pieces through places."""

    places: Sequence[Place]
    colour: str
    width: float = 1.0
    dash: tuple[float, float] | None = None
    """Length of dashes and gaps."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle with a thin white rim."""

    place: Place
    radius: float
    colour: str


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle between two corners."""

    start: Place
    end: Place
    colour: str


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text, its baseline at `place`."""

    place: Place
    text: str
    size: float = 12.0
    colour: str = "#222222"
    anchor: Anchor = Anchor.LEFT
    upright: bool = True
    """False turns it to be read from the bottom up."""


Shape = Line | Dot | Box | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes, the later over the earlier."""

    width: int
    height: int
    shapes: Sequence[Shape]
    title: str
    """What it shows, for those who cannot see it."""


def to_svg(drawing: Drawing) -> str:
    """The drawing as an SVG element, all text escaped."""
    shapes = [(type(shape).__name__.lower(), shape) for shape in drawing.shapes]
    environment = Environment(loader=PackageLoader("rawclean.evaluation", "."), autoescape=True, trim_blocks=True)
    return environment.get_template("drawing.svg.j2").render(drawing=drawing, background=BACKGROUND, shapes=shapes)


def to_png(drawing: Drawing) -> bytes:
    """The drawing as the bytes of a PNG file."""
    scale = SHARPNESS * PNG_SCALE
    image = Image.new("RGB", (drawing.width * scale, drawing.height * scale), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            for piece in _dashes(shape):
                pen.line([(x * scale, y * scale) for x, y in piece], shape.colour, round(shape.width * scale), "curve")
        elif isinstance(shape, Dot):
            _draw_dot(pen, shape, scale)
        elif isinstance(shape, Box):
            pen.rectangle([(x * scale, y * scale) for x, y in (shape.start, shape.end)], shape.colour)
        else:
            _draw_words(image, shape, scale)
    reduced = image.resize((drawing.width * PNG_SCALE, drawing.height * PNG_SCALE), Image.Resampling.BOX)
    content = io.BytesIO()
    reduced.save(content, "png", optimize=True)
    return content.getvalue()


def _draw_dot(pen: ImageDraw.ImageDraw, dot: Dot, scale: int) -> None:
    x, y, radius = (value * scale for value in (*dot.place, dot.radius))
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), dot.colour, BACKGROUND, round(0.8 * scale))


def _draw_words(image: Image.Image, words: Words, scale: int) -> None:
    font = ImageFont.load_default(words.size * scale)
    text = plain_latin(words.text)
    x, y = (value * scale for value in words.place)
    anchor = {Anchor.LEFT: "ls", Anchor.MIDDLE: "ms", Anchor.RIGHT: "rs"}[words.anchor]
    if words.upright:
        ImageDraw.Draw(image).text((x, y), text, words.colour, font, anchor)
        return
    length, height = round(font.getlength(text)) + 2 * scale, round(2 * words.size * scale)
    mask = Image.new("L", (length, height))
    ImageDraw.Draw(mask).text((length / 2, height / 2), text, 255, font, "ms")
    turned = mask.rotate(90, expand=True)
    image.paste(words.colour, (round(x - height / 2), round(y - length / 2)), turned)


def _dashes(line: Line) -> list[list[Place]]:
    """The pieces of a line that are drawn."""
    if line.dash is None:
        return [list(line.places)]
    drawn, gap = line.dash
    pieces: list[list[Place]] = []
    walked = 0.0
    for start, end in zip(line.places, line.places[1:], strict=False):
        length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
        position = 0.0
        while position < length:
            phase = (walked + position) % (drawn + gap)
            step = min((drawn if phase < drawn else drawn + gap) - phase + 1e-9, length - position)
            if phase < drawn:
                pieces.append([_between(start, end, at / length) for at in (position, position + step)])
            position += step
        walked += length
    return pieces


def _between(start: Place, end: Place, share: float) -> Place:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])

"""Options that several commands share."""

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from rawclean.cli.completion import complete_models
from rawclean.cli.log import start_log
from rawclean.core.choices import BadPixels, Quality
from rawclean.core.limits import MAX_ISO
from rawclean.core.shares import Share, grain_of, rest_of, share_of
from rawclean.core.told import shot_and_read_of
from rawclean.engines.choices import LEAST_TILE, DeviceChoice, EngineChoice, Precision
from rawclean.io.compression import Compression

T = TypeVar("T")


class Format(Enum):
    """Formats of results."""

    DNG = "dng"
    PNG = "png"
    TIFF = "tiff"


def _check_range(value: tuple[float, float]) -> tuple[float, float]:
    """The range; a usage error where it is none."""
    if not 0 <= value[0] < value[1]:
        raise typer.BadParameter("give two numbers, the lower one first")
    return value


def _check_model(name: str | None) -> str | None:
    """The name; a usage error where no model has it."""
    if name is not None:
        from rawclean.models.manifest import find_model

        find_model(name)
    return name


def _check_noise(text: str | None) -> str | None:
    """The text; a usage error where it is no noise."""
    parse_noise(text)
    return text


def _parse_share(text: object) -> Share:
    """A share, or shares by ISO, to a value; a usage error where it is none."""
    return _told(share_of, text)


def _parse_grain(text: object) -> Share:
    """A word or a share to the share that is left; a usage error where it is none."""
    return _told(grain_of, text)


def _told(value_of: Callable[[object], T], text: object, hint: str | None = None) -> T:
    """What a text stands for; a usage error where it stands for nothing."""
    try:
        return value_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=hint) from error


def _gives_way(name: str, other: str) -> Callable[[typer.Context, Any], Any]:
    """What a configuration says of `name` does not count beside `other`, its opposite, on the command line."""

    def taken(context: typer.Context, value: Any) -> Any:
        ours, theirs = (context.get_parameter_source(each) for each in (name, other))
        by_file = ours is not None and ours.name == "DEFAULT_MAP"
        return None if by_file and theirs is not None and theirs.name == "COMMANDLINE" else value

    return taken


Model = Annotated[
    str | None,
    typer.Option(
        callback=_check_model,
        autocompletion=complete_models,
        help="Name of a model; by default quality and noise decide.",
    ),
]
QualityOption = Annotated[
    Quality | None,
    typer.Option(
        "--quality",
        help="How well a photo is denoised, and how long it takes; by default standard, and fast on a CPU that is "
        "slow at that.",
    ),
]
Iso = Annotated[
    float | None, typer.Option(min=1, max=MAX_ISO, help="Take the noise of this ISO instead of what the file says.")
]
Sigma = Annotated[
    tuple[float, float],
    typer.Option(
        metavar="LOW HIGH",
        callback=_check_range,
        help="Range of noise of a specialist: standard deviation at 18 % signal.",
    ),
]
Noise = Annotated[
    str | None,
    typer.Option(metavar="SHOT,READ", callback=_check_noise, help="Take these noise variances (linear signal 0 to 1)."),
]
Strength = Annotated[
    Any,
    typer.Option(
        parser=_parse_share,
        metavar="SHARE",
        help="Share of the noise to take away, 0 to 1; or by ISO, like 100:0.4,6400:1 (evenly between them).",
    ),
]
Luminance = Annotated[
    Any,
    typer.Option(
        parser=_parse_share,
        callback=_gives_way("luminance", "grain"),
        metavar="SHARE",
        help="Share of the noise of brightness, which looks like film grain, to take away; --strength by default.",
    ),
]
ColourShare = Annotated[
    Any,
    typer.Option(
        "--colour",
        "--color",
        parser=_parse_share,
        metavar="SHARE",
        help="Share of the noise of colour, which looks like coloured blotches, to take away; --strength by default.",
    ),
]
Grain = Annotated[
    Any,
    typer.Option(
        parser=_parse_grain,
        callback=_gives_way("grain", "luminance"),
        metavar="AMOUNT",
        help="Grain to leave: none, light, medium, strong, or a share from 0 to 1; the rest of --luminance.",
    ),
]
Device = Annotated[DeviceChoice, typer.Option(help="Where to compute.")]
Computer = Annotated[
    EngineChoice,
    typer.Option("--engine", help="What computes the network: OpenVINO on a CPU, torch on a GPU; auto knows."),
]
Accuracy = Annotated[Precision, typer.Option("--precision", help="Number format of the network.")]
Tile = Annotated[int, typer.Option(min=LEAST_TILE, help="Side of a tile in 2x2 cells; smaller needs less memory.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
BadPixelsOption = Annotated[
    BadPixels,
    typer.Option(
        "--bad-pixels",
        help="Hot and dead pixels to replace by their neighbours: all that stand alone (auto), only those that the "
        "file itself names (list), or none (off).",
    ),
]
DngCompression = Annotated[Compression, typer.Option("--compression", help="How a DNG stores its mosaic.")]
Log = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=start_log,
        help="Append to this file what is done to each photo, and all warnings and errors, with the time.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and warnings only.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def luminance_share(luminance: Share | None, grain: Share | None) -> Share | None:
    """What is to be taken of the noise of brightness; a usage error where it is said in both ways."""
    if grain is None:
        return luminance
    if luminance is not None:
        raise typer.BadParameter("--grain is what --luminance leaves: give one of them", param_hint="--grain")
    return rest_of(grain)


def parse_size(text: str | None) -> int | None:
    """A size like 800M or 1.5G to bytes; a usage error where it is none."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match or not float(match[1]):
        raise typer.BadParameter("give a size like 800M or 2G", param_hint="--max-memory")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def check_size(text: str | None) -> str | None:
    """The text; a usage error where it is no size."""
    parse_size(text)
    return text


def parse_noise(text: str | None) -> tuple[float, float] | None:
    """SHOT,READ to two numbers; a usage error where they are none."""
    return None if text is None else _told(shot_and_read_of, text, "--noise")

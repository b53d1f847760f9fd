"""Options that several commands share."""

from typing import Annotated

import typer

from rawclean.inference.choices import DeviceChoice, Precision
from rawclean.io.compression import Compression

Model = Annotated[str | None, typer.Option(help="Name of a model; by default the noise decides.")]
Iso = Annotated[float | None, typer.Option(help="Take the noise of this ISO instead of what the file says.")]
Noise = Annotated[
    str | None, typer.Option(metavar="SHOT,READ", help="Take these noise variances (linear signal 0 to 1).")
]
Strength = Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the noise to take away.")]
Device = Annotated[DeviceChoice, typer.Option(help="Where to compute.")]
Accuracy = Annotated[Precision, typer.Option("--precision", help="Number format of the network.")]
Tile = Annotated[int, typer.Option(min=32, help="Side of a tile in 2x2 cells; smaller needs less memory.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
DngCompression = Annotated[Compression, typer.Option("--compression", help="How a DNG stores its mosaic.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and warnings only.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def parse_noise(text: str | None) -> tuple[float, float] | None:
    """SHOT,READ to two numbers; a usage error where they are none."""
    if text is None:
        return None
    try:
        shot, read = (float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter("give two numbers like 1.6e-3,2.6e-6", param_hint="--noise") from error
    return shot, read

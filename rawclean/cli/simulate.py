"""rawclean simulate: a photo to a noisy DNG."""

from pathlib import Path
from typing import Annotated

import typer

from rawclean.cli import options
from rawclean.cli.report import print_line
from rawclean.core.limits import MAX_SEED, MAX_VARIANCE


def simulate(
    photo: Annotated[Path, typer.Argument(help="A PNG or JPEG photo.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The noisy DNG.")],
    shot: Annotated[
        float,
        typer.Option(min=0.0, max=MAX_VARIANCE, help="Shot noise variance per unit of signal, by which ISO is set."),
    ] = 1.6e-3,
    read: Annotated[
        float | None,
        typer.Option(min=0.0, max=MAX_VARIANCE, help="Read noise variance; by default what goes with this shot noise."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Draws the noise: each is another shot.")] = 0,
    camera_seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Draws colours and exposure.")] = 0,
    clean: Annotated[Path | None, typer.Option(help="Also write the same photo without noise here.")] = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a noisy DNG of known noise from an ordinary photo, to try rawclean without a camera."""
    from rawclean.core.noise import NoiseModel, read_on_line
    from rawclean.evaluation.simulate import SimulateSettings, simulate_dng

    noise = NoiseModel.uniform(shot, read_on_line(shot) if read is None else read)
    simulate_dng(photo, output, SimulateSettings(noise, seed, camera_seed, overwrite), clean)
    if not quiet:
        sigma = noise.sigma_at()
        print_line(f"{output}: shot {shot:.3g}, read {float(noise.read[0]):.3g}, sigma {sigma:.4f} at 18 % signal")

"""rawclean train: make weights from photos."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rawclean.cli import options
from rawclean.inference.choices import DeviceChoice


def train(
    photos: Annotated[list[Path], typer.Argument(help="Folders of clean PNG or JPEG photos.")],
    run: Annotated[Path, typer.Option(help="Folder for checkpoint, log and weights; an earlier run is resumed.")],
    recipe: Annotated[Path | None, typer.Option(help="A TOML recipe; the general student's by default.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Length, instead of the recipe's.")] = None,
    device: options.Device = DeviceChoice.AUTO,
    quiet: options.Quiet = False,
) -> None:
    """Train a network by unprocessing photos to clean RAW and adding noise."""
    from rawclean.inference.device import keep_freed_memory, pick_device
    from rawclean.training.config import read_recipe, shipped_recipe
    from rawclean.training.dataset import PhotoCrops
    from rawclean.training.loop import train as run_training

    keep_freed_memory()
    config = read_recipe(recipe or shipped_recipe("student"), steps)
    place = pick_device(device)
    crops = PhotoCrops.from_folders(photos, config.noise, place)

    def progress(step: int, loss: float) -> None:
        if not quiet:
            print(f"step {step} of {config.steps}, loss {loss:.4f}", file=sys.stderr)

    print(run_training(config, crops, run, place, progress))

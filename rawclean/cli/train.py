"""rawclean train: make weights from photos."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.report import print_line, print_notes
from rawclean.cli.status import INTERRUPTED
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.limits import MAX_SEED
from rawclean.engines.choices import DeviceChoice
from rawclean.errors import TrainingStoppedError

if TYPE_CHECKING:
    from rawclean.training.batch import Crops
    from rawclean.training.config import TrainConfig
    from rawclean.training.dataset import PhotoCrops

app = typer.Typer(no_args_is_help=True)

Progress = Callable[[int, float], None]
"""Called with the step reached, and what has come of it."""

Photos = Annotated[list[Path], typer.Argument(help="Folders of clean PNG or JPEG photos.")]
Out = Annotated[
    Path, typer.Option(file_okay=False, help="Folder for checkpoint, log and weights; an earlier run is resumed.")
]
Config = Annotated[
    Path | None, typer.Option(help="A TOML recipe, or the name of one that ships with rawclean, like xtrans.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="Length, instead of the recipe's.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=MAX_SEED, help="Seed of weights and data, instead of the recipe's.")
]
Real = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="A folder of RAW photos to learn from, too: what the best installed model makes of them is their target.",
    ),
]


@app.command()
def student(
    photos: Photos,
    out: Out,
    config: Config = None,
    steps: Steps = None,
    seed: Seed = None,
    real: Real = None,
    device: options.Device = DeviceChoice.AUTO,
    quiet: options.Quiet = False,
) -> None:
    """Train a general student: photos are unprocessed to clean RAW, and noise is added."""
    _train(photos, out, _recipe("student", config, steps=steps, seed=seed), device, real=real, quiet=quiet)


@app.command()
def teacher(
    photos: Photos,
    out: Out,
    config: Config = None,
    steps: Steps = None,
    seed: Seed = None,
    device: options.Device = DeviceChoice.AUTO,
    quiet: options.Quiet = False,
) -> None:
    """Train the large network that students learn from."""
    _train(photos, out, _recipe("teacher", config, steps=steps, seed=seed), device, quiet=quiet)


@app.command()
def distil(
    photos: Photos,
    out: Out,
    teacher: Annotated[Path, typer.Option(help="Weights of the teacher.")],
    config: Config = None,
    steps: Steps = None,
    seed: Seed = None,
    real: Real = None,
    device: options.Device = DeviceChoice.AUTO,
    quiet: options.Quiet = False,
) -> None:
    """Train a student that also matches the features a teacher sees."""
    recipe = _recipe("distil", config, steps=steps, seed=seed, teacher=str(teacher))
    _train(photos, out, recipe, device, real=real, quiet=quiet)


@app.command()
def specialise(
    photos: Photos,
    out: Out,
    start: Annotated[Path, typer.Option(help="Weights of the general student.")],
    sigma: options.Sigma,
    config: Config = None,
    steps: Steps = None,
    seed: Seed = None,
    real: Real = None,
    device: options.Device = DeviceChoice.AUTO,
    quiet: options.Quiet = False,
) -> None:
    """Fine-tune a student for one range of noise."""
    recipe = _recipe("specialise", config, steps=steps, seed=seed, start=str(start))
    noise = dataclasses.replace(recipe.noise, sigma_min=sigma[0], sigma_max=sigma[1])
    _train(photos, out, dataclasses.replace(recipe, noise=noise), device, real=real, quiet=quiet)


@app.command()
def meter(
    photos: Photos,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the weights.")],
    mosaic: Annotated[CfaFamily, typer.Option(help="What the photos are sampled through.")] = CfaFamily.BAYER,
    config: Config = None,
    steps: Steps = None,
    seed: Seed = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the small network that measures the noise of a photo, on the CPU, in minutes."""
    from rawclean.models.manifest import METERS
    from rawclean.training.meter import train_meter

    recipe = _recipe("meter", config, steps=steps, seed=seed, network_config={"mosaic": mosaic.value})
    _train_instrument(train_meter, photos, out / METERS[mosaic], recipe, _progress(recipe.steps, quiet=quiet))


@app.command()
def judge(
    photos: Photos,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the weights, site-judge.safetensors.")],
    config: Config = None,
    steps: Steps = None,
    seed: Seed = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the small network that tells bad pixels from details, on the CPU, in minutes."""
    from rawclean.models.manifest import JUDGE
    from rawclean.training.judge import train_judge

    recipe = _recipe("judge", config, steps=steps, seed=seed)
    _train_instrument(train_judge, photos, out / JUDGE, recipe, _progress(recipe.steps, "suspects", quiet=quiet))


@app.command()
def lab(
    lab: Annotated[Path, typer.Argument(help="A TOML file of networks and losses, or `lab` for that of rawclean.")],
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder for all cells and their table; a stopped lab is resumed.")
    ],
    photos: Annotated[
        list[Path] | None, typer.Option(help="Folders of photos to learn from, instead of the file's.")
    ] = None,
    dev: Annotated[Path | None, typer.Option(help="Photos to measure on, instead of the file's.")] = None,
    teacher: Annotated[Path | None, typer.Option(help="Weights of the teacher, instead of the file's.")] = None,
    steps: Steps = None,
    device: options.Device = DeviceChoice.AUTO,
    quiet: options.Quiet = False,
) -> None:
    """Compare networks and losses: each pair trained alike and measured; writes lab.md, lab.json and lab.svg."""
    from rawclean.core.glibc import keep_freed_memory
    from rawclean.engines.device import pick_device
    from rawclean.evaluation.lab_report import to_markdown
    from rawclean.lab import run_lab
    from rawclean.training.lab import read_lab

    folders = {"photos": [str(folder) for folder in photos] if photos else None, "dev": str(dev) if dev else None}
    recipe = {"teacher": str(teacher) if teacher else None, "steps": steps}
    config = read_lab(_found(lab), lab=folders, recipe=recipe)
    keep_freed_memory()

    def progress(cell: str, step: int, loss: float) -> None:
        if not quiet:
            print_notes(f"{cell}: step {step} of {config.recipe.steps}, loss {loss:.6g}")

    with _told_where_it_stopped():
        rows = run_lab(config, out, pick_device(device), progress)
    for line in to_markdown(rows, config.recipe.steps).splitlines():
        print_line(line)


@contextmanager
def _told_where_it_stopped() -> Iterator[None]:
    """A training that is stopped, by Ctrl-C or otherwise, is no failure."""
    try:
        yield
    except TrainingStoppedError as stopped:
        print_notes(str(stopped))
        raise typer.Exit(INTERRUPTED) from stopped


def _train_instrument(
    train: "Callable[[PhotoCrops, Path, int, int, Progress], Path]",
    photos: list[Path],
    weights: Path,
    recipe: "TrainConfig",
    progress: Progress,
) -> None:
    """Train one of the networks that look at a photo before it is denoised; raises TrainingError."""
    import torch

    from rawclean.core.glibc import keep_freed_memory
    from rawclean.errors import TrainingError
    from rawclean.training.dataset import PhotoCrops

    if weights.exists():
        raise TrainingError(f"{weights}: is there already; name another folder with --out")
    keep_freed_memory()
    crops = PhotoCrops.from_folders(photos, recipe.synthesis, torch.device("cpu"))
    print_line(str(train(crops, weights, recipe.steps, recipe.seed, progress)))


def _recipe(name: str, path: Path | None, **changes: object) -> "TrainConfig":
    from rawclean.training.config import read_recipe, shipped_recipe

    return read_recipe(shipped_recipe(name) if path is None else _found(path), **changes)


def _found(path: Path) -> Path:
    """The file, or the shipped recipe of that name."""
    from rawclean.training.config import shipped_recipe

    shipped = shipped_recipe(path.name)
    return shipped if not path.exists() and shipped.exists() else path


def _train(
    photos: list[Path], run: Path, config: "TrainConfig", device: DeviceChoice, *, real: Path | None = None, quiet: bool
) -> None:
    from rawclean.core.glibc import keep_freed_memory
    from rawclean.engines.device import pick_device
    from rawclean.training.dataset import PhotoCrops
    from rawclean.training.loop import CHECKPOINT, LOG_EVERY
    from rawclean.training.loop import train as run_training

    keep_freed_memory()
    place = pick_device(device)
    crops: Crops = PhotoCrops.from_folders(photos, config.synthesis, place)
    if real:
        from rawclean.training.real_crops import MixedCrops, RealCrops

        raws = RealCrops.from_folder(real, config.synthesis.mosaic, config.told, place)
        crops = MixedCrops(crops, raws, config.real_share)
    if not quiet:
        where = f"on in {run}" if (run / CHECKPOINT).exists() else f"in {run}"
        print_notes(f"{config.steps} steps {where}; every {LOG_EVERY}th is told, and Ctrl-C saves what is done")
    with _told_where_it_stopped():
        print_line(str(run_training(config, crops, run, place, _progress(config.steps, quiet=quiet))))


def _progress(steps: int, what: str = "loss", *, quiet: bool) -> Progress:
    def progress(step: int, value: float) -> None:
        if not quiet:
            print_notes(f"step {step} of {steps}, {what} {value:.6g}")

    return progress

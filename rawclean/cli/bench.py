"""rawclean bench: quality of the models on photos, or on a public benchmark."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.progress import Update, progress_bars
from rawclean.cli.report import print_json
from rawclean.core.mosaics import Mosaic
from rawclean.inference.choices import DeviceChoice, Precision

if TYPE_CHECKING:
    from rawclean.evaluation.benchmark import Denoiser


def bench(
    folder: Annotated[
        Path, typer.Argument(help="Clean PNG or JPEG photos, SIDD, DND, or noisy/ and clean/ with RAW files.")
    ],
    model: Annotated[
        list[str] | None, typer.Option(help="Models or weight files to measure; all models by default.")
    ] = None,
    shot: Annotated[list[float] | None, typer.Option(help="Levels of shot noise, instead of the usual five.")] = None,
    bm3d: Annotated[bool, typer.Option("--bm3d", help="Measure BM3D too (slow; needs the package bm3d).")] = False,
    mosaic: Annotated[Mosaic, typer.Option(help="What clean photos are sampled through.")] = Mosaic.BAYER,
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first photos only.")] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Folder for the files that DND's server takes, one sub-folder per model.")
    ] = None,
    device: options.Device = DeviceChoice.AUTO,
    precision: options.Accuracy = Precision.AUTO,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Measure raw PSNR, raw SSIM and sRGB PSNR; to clean photos, known noise of five levels is added first."""
    from itertools import islice

    from rawclean.evaluation.benchmark import Protocol, run_benchmark, run_on_blocks, to_markdown
    from rawclean.evaluation.bm3d import bm3d_planes
    from rawclean.evaluation.datasets import blocks_of, write_dnd_submission

    denoisers = {"bm3d": bm3d_planes} if bm3d else {}
    denoisers |= _denoisers(model or (), mosaic, device, precision)
    protocol = Protocol(limit=limit, mosaic=mosaic, **({"shots": tuple(shot)} if shot else {}))
    read_blocks = blocks_of(folder)
    with progress_bars("photos", quiet=quiet or as_json) as (progress,):
        count = _counter(progress, limit)
        if read_blocks is None:
            result = run_benchmark(folder, denoisers, protocol, count)
        else:
            result, unjudged = run_on_blocks(islice(read_blocks(folder), limit), denoisers, count)
            for name, mosaics in unjudged.items():
                if submission is not None and mosaics:
                    write_dnd_submission(submission / name, mosaics)
    if as_json:
        print_json(result)
    else:
        print(to_markdown(result))


def _denoisers(
    names: Sequence[str], mosaic: Mosaic, device: DeviceChoice, precision: Precision
) -> "dict[str, Denoiser]":
    """The models and weight files of that name; without names all models, and the choice among them by noise."""
    from rawclean.evaluation.publish import denoiser_by_noise, denoiser_of
    from rawclean.models.manifest import SPECIALIST, find_model, list_models, load_model
    from rawclean.models.weights import load_network

    files = [Path(name) for name in names if name.endswith(".safetensors")]
    named = [find_model(name) for name in names if Path(name) not in files]
    cards = named if names else [card for card in list_models() if card.mosaic is mosaic]
    denoisers = {card.name: denoiser_of(load_model(card), device, precision) for card in cards}
    denoisers |= {str(path): denoiser_of(load_network(path), device, precision) for path in files}
    if not names and any(card.role == SPECIALIST for card in cards):
        denoisers["by noise"] = denoiser_by_noise(denoisers, cards, mosaic)
    return denoisers


def _counter(progress: Update, total: int | None) -> Callable[[], None]:
    """A function that moves the bar on by one."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return count

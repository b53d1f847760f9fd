"""rawclean bench: quality of the models on photos, or on a public benchmark."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from rawclean.cli import options
from rawclean.cli.progress import Update, progress_bars
from rawclean.cli.report import print_json
from rawclean.core.mosaics import Mosaic
from rawclean.inference.choices import DeviceChoice, Precision


def bench(
    folder: Annotated[
        Path, typer.Argument(help="Clean PNG or JPEG photos, SIDD, DND, or noisy/ and clean/ with RAW files.")
    ],
    model: Annotated[list[str] | None, typer.Option(help="Models to measure; all by default.")] = None,
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

    from rawclean.evaluation.benchmark import Denoiser, run_benchmark, run_on_blocks, to_markdown
    from rawclean.evaluation.bm3d import bm3d_planes
    from rawclean.evaluation.datasets import blocks_of, write_dnd_submission
    from rawclean.evaluation.publish import denoiser_of
    from rawclean.models.manifest import find_model, list_models, load_model

    cards = [find_model(name) for name in model or ()] or [card for card in list_models() if card.mosaic is mosaic]
    denoisers: dict[str, Denoiser] = {"bm3d": bm3d_planes} if bm3d else {}
    denoisers |= {card.name: denoiser_of(load_model(card), device, precision) for card in cards}
    read_blocks = blocks_of(folder)
    with progress_bars("photos", quiet=quiet or as_json) as (progress,):
        count = _counter(progress, limit)
        if read_blocks is None:
            result = run_benchmark(folder, denoisers, limit, count, mosaic)
        else:
            result, unjudged = run_on_blocks(islice(read_blocks(folder), limit), denoisers, count)
            for name, mosaics in unjudged.items():
                if submission is not None and mosaics:
                    write_dnd_submission(submission / name, mosaics)
    if as_json:
        print_json(result)
    else:
        print(to_markdown(result))


def _counter(progress: Update, total: int | None) -> Callable[[], None]:
    """A function that moves the bar on by one."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return count

"""rawclean bench: PSNR of the models on photos."""

from pathlib import Path
from typing import Annotated

import typer

from rawclean.cli import options
from rawclean.cli.progress import progress_bar
from rawclean.cli.report import print_json
from rawclean.inference.choices import DeviceChoice, Precision


def bench(
    folder: Annotated[Path, typer.Argument(help="A folder of clean PNG or JPEG photos.")],
    model: Annotated[list[str] | None, typer.Option(help="Models to measure; all by default.")] = None,
    bm3d: Annotated[bool, typer.Option("--bm3d", help="Measure BM3D too (slow; needs the package bm3d).")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first photos only.")] = None,
    device: options.Device = DeviceChoice.AUTO,
    precision: options.Accuracy = Precision.AUTO,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Add known noise to photos, denoise them and print the mean raw PSNR in dB per noise level."""
    from rawclean.evaluation.benchmark import Denoiser, run_benchmark, to_markdown
    from rawclean.evaluation.bm3d import bm3d_planes
    from rawclean.evaluation.publish import denoiser_of
    from rawclean.io.images import list_photos
    from rawclean.models.manifest import find_model, list_models, load_model

    cards = [find_model(name) for name in model] if model else list_models()
    denoisers: dict[str, Denoiser] = {"bm3d": bm3d_planes} if bm3d else {}
    denoisers |= {card.name: denoiser_of(load_model(card), device, precision) for card in cards}
    total = len(list_photos(folder)[:limit])
    done = 0
    with progress_bar("photos", quiet=quiet or as_json) as progress:

        def count() -> None:
            nonlocal done
            done += 1
            progress(done, total)

        result = run_benchmark(folder, denoisers, limit, count)
    if as_json:
        print_json(result)
    else:
        print(to_markdown(result))

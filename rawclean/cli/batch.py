"""rawclean batch: a folder of photos."""

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.progress import print_table, progress_bars
from rawclean.cli.report import print_json, print_warning, summary
from rawclean.inference.choices import TILE, DeviceChoice, Precision
from rawclean.io.compression import Compression

if TYPE_CHECKING:
    from rawclean.batch.run import Outcome

PARTLY_FAILED = 3


class Format(Enum):
    """Formats of results."""

    DNG = "dng"
    PNG = "png"
    TIFF = "tiff"


Folder = Annotated[Path, typer.Argument(help="A folder with RAW photos; its sub-folders count too.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the results; FOLDER/denoised by default.")]
IsoAuto = Annotated[
    bool,
    typer.Option("--iso-auto/--one-model", help="Pick each photo's model by its noise, or one for all."),
]


def batch(
    folder: Folder,
    out: Out = None,
    iso_auto: IsoAuto = True,
    file_format: Annotated[Format, typer.Option("--format", help="Format of the results.")] = Format.DNG,
    model: options.Model = None,
    iso: options.Iso = None,
    noise: options.Noise = None,
    strength: options.Strength = 1.0,
    device: options.Device = DeviceChoice.AUTO,
    precision: options.Accuracy = Precision.AUTO,
    tile: options.Tile = TILE,
    compression: options.DngCompression = Compression.LJPEG,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Denoise every photo of a folder; photos whose result is there are skipped.

    Exit status 3 says that some photos failed, 1 that all did.
    """
    shot_and_read = options.parse_noise(noise)
    from rawclean.batch.plan import DEFAULT_FOLDER, plan_jobs
    from rawclean.batch.run import run_jobs
    from rawclean.pipeline import DenoiseSettings

    settings = DenoiseSettings(
        model, iso, shot_and_read, strength, device, precision, tile, overwrite, compression, specialists=iso_auto
    )
    jobs = plan_jobs(folder, out or folder / DEFAULT_FOLDER, f".{file_format.value}")
    outcomes = []
    with progress_bars(folder.name, "photo", quiet=quiet or as_json) as (progress, photo_progress):
        progress(0, len(jobs))
        for outcome in run_jobs(jobs, settings, photo_progress):
            outcomes.append(outcome)
            progress(len(outcomes), len(jobs))
            _show(outcome, quiet=quiet, as_json=as_json)
    failed = sum(outcome.error is not None for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    if not (quiet or as_json):
        counts = (len(outcomes) - skipped - failed, skipped, failed)
        print_table(f"photos: {len(jobs)}", ("denoised", "skipped, result exists", "failed"), [counts])
    if failed:
        raise typer.Exit(1 if failed == len(outcomes) else PARTLY_FAILED)


def _show(outcome: "Outcome", *, quiet: bool, as_json: bool) -> None:
    """One photo's outcome: its report on standard output, what went wrong on standard error."""
    if as_json:
        print_json(outcome)
    elif outcome.report and not quiet:
        print(summary(outcome.report))
    if outcome.error:
        print(f"rawclean: {outcome.error}", file=sys.stderr)
    elif outcome.report and outcome.report.warning:
        print_warning(f"{outcome.job.source}: {outcome.report.warning}")

"""rawclean batch: a folder of photos."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.batch_display import BatchDisplay, LeftOutNotes, print_forecasts
from rawclean.cli.report import Shown, print_error
from rawclean.cli.status import FAILED, INTERRUPTED, PARTLY_FAILED
from rawclean.core.choices import BadPixels
from rawclean.engines.choices import TILE, DeviceChoice, EngineChoice, Precision
from rawclean.io.compression import Compression

if TYPE_CHECKING:
    from rawclean.batch.plan import Job
    from rawclean.batch.session import BatchRequest

Folder = Annotated[str, typer.Argument(help="A folder with RAW photos, or its URL (s3://…); sub-folders count too.")]
Out = Annotated[
    str | None, typer.Option("--out", "-o", help="Folder or URL for the results; FOLDER/denoised by default.")
]
IsoAuto = Annotated[
    bool,
    typer.Option("--iso-auto/--one-model", help="Pick each photo's model by its noise, or one for all."),
]
Include = Annotated[
    list[str] | None, typer.Option(help="Only photos whose name or path fits, like '*.nef'; again for more.")
]
Exclude = Annotated[list[str] | None, typer.Option(help="No photos whose name or path fits, like 'rejects/*'.")]
Name = Annotated[str | None, typer.Option(help="Names of the results, like '{stem}_clean'; also {ext} and {folder}.")]
Force = Annotated[bool, typer.Option("--force", help="Denoise all photos again, replacing their results.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Do only the photos that failed before.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done to each photo, and do nothing.")]
Watch = Annotated[bool, typer.Option("--watch", help="Wait for more photos until Ctrl-C.")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="URL", help="Let the workers of a Dask cluster do it, like tcp://host:8786.")
]
Report = Annotated[
    Path | None,
    typer.Option(help="Write a page about the run here: a table of all photos, before and after of the noisiest."),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        callback=options.check_size,
        help="Memory that may be used, like 2G; half of the machine's by default.",
    ),
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", min=0.1, help="Time that a photo may take; one that hangs is given up.")
]


def batch(
    folder: Folder,
    out: Out = None,
    iso_auto: IsoAuto = True,
    file_format: Annotated[
        options.Format, typer.Option("--format", help="Format of the results.")
    ] = options.Format.DNG,
    include: Include = None,
    exclude: Exclude = None,
    name: Name = None,
    force: Force = False,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    watch: Watch = False,
    scheduler: Scheduler = None,
    max_memory: MaxMemory = None,
    timeout: Timeout = 900.0,
    report: Report = None,
    quality: options.QualityOption = None,
    model: options.Model = None,
    iso: options.Iso = None,
    noise: options.Noise = None,
    strength: options.Strength = 1.0,
    luminance: options.Luminance = None,
    colour: options.ColourShare = None,
    grain: options.Grain = None,
    engine: options.Computer = EngineChoice.AUTO,
    device: options.Device = DeviceChoice.AUTO,
    precision: options.Accuracy = Precision.AUTO,
    tile: options.Tile = TILE,
    bad_pixels: options.BadPixelsOption = BadPixels.AUTO,
    compression: options.DngCompression = Compression.LJPEG,
    log: options.Log = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Denoise every photo of a folder; a second run does what is missing, changed or failed.

    Exit status 3 says that some photos failed, 1 that all did, 130 that Ctrl-C ended the run.
    """
    shot_and_read, limit = options.parse_noise(noise), options.parse_size(max_memory)
    if force and retry_failed:
        raise typer.BadParameter("do either all photos or those that failed", param_hint="--force, --retry-failed")
    from rawclean.batch.plan import Selection
    from rawclean.batch.resume import Redo
    from rawclean.batch.session import BatchRequest
    from rawclean.settings import DenoiseSettings

    settings = DenoiseSettings(
        model=model,
        quality=quality,
        specialists=iso_auto,
        iso=iso,
        noise=shot_and_read,
        strength=strength,
        luminance=options.luminance_share(luminance, grain),
        colour=colour,
        bad_pixels=bad_pixels,
        precision=precision,
        compression=compression,
        engine=engine,
        device=device,
        tile=tile,
    )
    request = BatchRequest(
        folder,
        out,
        Selection(f".{file_format.value}", tuple(include or ()), tuple(exclude or ()), name),
        settings,
        Redo.ALL if force else Redo.FAILED if retry_failed else Redo.CHANGED,
        limit,
        timeout,
        scheduler,
        report,
    )
    _carry_out(request, Shown(quiet=quiet, as_json=as_json), watch=watch, dry_run=dry_run)


def _carry_out(request: "BatchRequest", shown: Shown, *, watch: bool, dry_run: bool) -> None:
    """Plan, run and say what came of it; raises typer.Exit with the status."""
    from rawclean.batch.session import forecast_batch, plan_batch, watch_folder
    from rawclean.errors import UnreadablePhotoError

    left_out = LeftOutNotes(request.folder)
    jobs = plan_batch(request, left_out.note)
    left_out.summarise()
    if not (jobs or watch or left_out.blocked):
        selected = " that are selected" if request.selection.include or request.selection.exclude else ""
        raise UnreadablePhotoError(f"{request.folder}: no RAW photos in it{selected}")
    if dry_run:
        print_forecasts(forecast_batch(request, jobs), shown)
        return
    display = BatchDisplay(request.folder, None if watch else len(jobs), shown)
    interrupted = _run(request, watch_folder(request) if watch else jobs, display)
    display.totals()
    if interrupted:
        print_error("stopped; run the same command again to go on where it was")
        raise typer.Exit(INTERRUPTED)
    if display.failed or left_out.blocked:
        raise typer.Exit(FAILED if display.failed == display.ended else PARTLY_FAILED)


def _run(request: "BatchRequest", jobs: "Iterable[Job | None]", display: BatchDisplay) -> bool:
    """Denoise until all is done or Ctrl-C comes; whether it was Ctrl-C."""
    from rawclean.batch.session import run_batch

    try:
        with display, closing(run_batch(request, jobs, display.follow)) as outcomes:
            for outcome in outcomes:
                display.show(outcome)
    except KeyboardInterrupt:
        return True
    return False

"""rawclean denoise: photos that are named one by one."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.progress import progress_bars
from rawclean.cli.report import (
    Shown,
    log_line,
    peak_memory_mib,
    print_blocked,
    print_error,
    print_json,
    print_line,
    print_warning,
    summary,
)
from rawclean.cli.status import FAILED, PARTLY_FAILED
from rawclean.cli.streams import STANDARD, photo_from_standard_input, result_to_standard_output
from rawclean.core.choices import BadPixels
from rawclean.engines.choices import TILE, DeviceChoice, EngineChoice, Precision
from rawclean.io.compression import Compression

if TYPE_CHECKING:
    from rawclean.io.targets import Naming, Target
    from rawclean.io.tiff.metadata import Metadata
    from rawclean.settings import DenoiseSettings

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO...", help="RAW or DNG photos, and folders with all that are below them; - is standard input."
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE|FOLDER",
        help="Result of one photo: .dng, .png or .tiff; or a folder for all results, which ends with / where it is not "
        "there yet; - is standard output. By default PHOTO_denoised.dng beside each photo.",
    ),
]
Suffix = Annotated[
    str | None,
    typer.Option(help="After the names of results; _denoised beside the photos by default, nothing in another folder."),
]
Parents = Annotated[
    bool, typer.Option("--parents/--no-parents", help="Make folders for results that are missing, or refuse to.")
]


def denoise(
    photos: Sources,
    output: Output = None,
    suffix: Suffix = None,
    file_format: Annotated[options.Format | None, typer.Option("--format", help="Format of the results; DNG.")] = None,
    parents: Parents = True,
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
    overwrite: options.Overwrite = False,
    log: options.Log = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Denoise photos; the sources are never changed.

    Of several, those that are denoised already are passed over. Exit status 3 says that some failed, 1 that all did.
    """
    shot_and_read = options.parse_noise(noise)
    from rawclean.io.targets import Naming
    from rawclean.settings import DenoiseSettings

    settings = DenoiseSettings(
        model=model,
        quality=quality,
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
        overwrite=overwrite,
        make_folders=parents,
    )
    naming = Naming(output, suffix, f".{file_format.value}" if file_format else None)
    shown = Shown(quiet=quiet, as_json=as_json)
    if STANDARD in photos or output == STANDARD:
        _through_streams(photos, naming, settings, shown)
    else:
        _one_by_one(photos, naming, settings, shown)


def _one_by_one(photos: Sequence[str], naming: "Naming", settings: "DenoiseSettings", shown: Shown) -> None:
    """Denoise what is named."""
    from rawclean.io.targets import plan_targets

    blocked: dict[Path, str] = {}
    targets = plan_targets(photos, naming, blocked.setdefault)
    for folder, said in blocked.items():
        print_blocked(str(folder), said)
    if len(targets) == 1 and targets[0].source == Path(photos[0]):
        _denoise(targets[0].source, targets[0].output, settings, shown)
        return
    failed = sum(not _is_done(target, settings, shown) for target in targets)
    if failed or blocked:
        raise typer.Exit(FAILED if failed == len(targets) else PARTLY_FAILED)


def _is_done(target: "Target", settings: "DenoiseSettings", shown: Shown) -> bool:
    """Denoise one of several; what is wrong with it is said and does not keep the others from it."""
    from rawclean.errors import RawcleanError, TargetFullError

    try:
        _denoise_or_pass_over(target, settings, shown)
    except TargetFullError:
        raise
    except RawcleanError as error:
        print_error(str(error))
        if shown.as_json:
            print_json({"source": target.source, "error": str(error)})
        return False
    return True


def _denoise_or_pass_over(target: "Target", settings: "DenoiseSettings", shown: Shown) -> None:
    """Denoise one of several, among which may be results."""
    from rawclean.io.applied import is_denoised
    from rawclean.io.tiff.metadata import known_metadata

    metadata = known_metadata(target.source)
    if not is_denoised(target.source, metadata):
        _denoise(target.source, target.output, settings, shown, metadata)
        return
    passed_over = f"{target.source}: passed over, it is denoised already"
    log_line(passed_over)
    if shown.as_json:
        print_json({"source": target.source, "skipped": "denoised already"})
    elif not shown.quiet:
        print_line(passed_over)


def _through_streams(photos: Sequence[str], naming: "Naming", settings: "DenoiseSettings", shown: Shown) -> None:
    """Denoise one photo from standard input, to standard output, or both."""
    from rawclean.errors import UsageError
    from rawclean.io.targets import plan_targets

    to_output = naming.output in (None, STANDARD)
    if len(photos) > 1 or (to_output and (shown.as_json or naming.suffix is not None)):
        raise UsageError("- stands for one photo, and for a result without name, suffix and report; name files instead")
    with ExitStack() as files:
        source = Path(photos[0])
        if photos[0] == STANDARD:
            source = files.enter_context(photo_from_standard_input())
        if to_output:
            output = files.enter_context(result_to_standard_output(naming.file_format or ".dng"))
            shown = Shown(quiet=True, as_json=False)
        else:
            (target,) = plan_targets([str(source)], naming, lambda *_: None)
            output = target.output
        _denoise(source, output, settings, shown)


def _denoise(
    source: Path, output: Path, settings: "DenoiseSettings", shown: Shown, metadata: "Metadata | None" = None
) -> None:
    """Denoise one photo and say so; `metadata` are its tags, if they have been read."""
    from rawclean.pipeline import denoise_file

    with progress_bars(source.name, quiet=not shown.in_words) as (progress,):
        report = denoise_file(source, output, settings, progress, metadata)
    log_line(summary(report))
    if report.warning:
        print_warning(f"{source}: {report.warning}")
    if shown.as_json:
        print_json({"report": report, "peak_memory_mib": round(peak_memory_mib())})
    elif not shown.quiet:
        print_line(summary(report))

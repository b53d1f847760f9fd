"""rawclean denoise: one photo."""

from pathlib import Path
from typing import Annotated

import typer

from rawclean.cli import options
from rawclean.cli.progress import progress_bars
from rawclean.cli.report import peak_memory_mib, print_json, print_line, print_warning, summary
from rawclean.core.choices import BadPixels
from rawclean.engines.choices import TILE, DeviceChoice, EngineChoice, Precision
from rawclean.io.compression import Compression

Source = Annotated[Path, typer.Argument(help="A RAW or DNG photo.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Result: .dng, .png or .tiff; SOURCE_denoised.dng by default.")
]


def denoise(
    source: Source,
    output: Output = None,
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
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Denoise one photo; the source is never changed."""
    shot_and_read = options.parse_noise(noise)
    from rawclean.io.files import check_is_file
    from rawclean.pipeline import denoise_file
    from rawclean.settings import DenoiseSettings

    check_is_file(source)  # a folder has no name for the result

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
    )
    target = output or source.with_name(f"{source.stem}_denoised.dng")
    with progress_bars(source.name, quiet=quiet or as_json) as (progress,):
        report = denoise_file(source, target, settings, progress)
    if report.warning:
        print_warning(report.warning)
    if as_json:
        print_json({"report": report, "peak_memory_mib": round(peak_memory_mib())})
    elif not quiet:
        print_line(summary(report))

"""rawclean noise: what a photo shows of its noise, and what everybody says of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.noise_table import print_noise_table
from rawclean.cli.report import print_json, print_line, print_warning

if TYPE_CHECKING:
    from rawclean.evaluation.noise_chart import NoiseChart
    from rawclean.noise_source import FoundNoise


def noise(
    source: Annotated[Path, typer.Argument(metavar="PHOTO", help="A RAW or DNG photo.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw variance against signal: .svg, .png or .html.")
    ] = None,
    iso: options.Iso = None,
    noise: options.Noise = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Show the noise of a photo by brightness: as measured in it, by tag, profile and ISO, and what they come to."""
    shot_and_read = options.parse_noise(noise)
    from rawclean.evaluation.noise_chart import chart_format, write_chart
    from rawclean.evaluation.noise_witnesses import chart_photo
    from rawclean.io.atomic import check_target
    from rawclean.settings import NoiseSettings

    if output is not None:
        chart_format(output)
        check_target(output, source, overwrite=overwrite)
    chart, found = chart_photo(source, NoiseSettings(iso=iso, noise=shot_and_read))
    if output is not None:
        write_chart(output, chart)
    if found.warning:
        print_warning(found.warning)
    if as_json:
        print_json(_facts(source, found, chart))
    elif not quiet:
        _print(found, chart)


def _print(found: "FoundNoise", chart: "NoiseChart") -> None:
    """The table, and each witness in a line."""
    print_noise_table(chart.points, chart.witnesses)
    widths = {each.origin: f" within {100 * each.width:.0f} %" for each in found.evidence if each.width > 0}
    print_line(f"{chart.title}; {chart.subtitle}")
    for witness in chart.witnesses:
        shot, read = float(witness.noise.shot.mean()), float(witness.noise.read.mean())
        sigma = f"{100 * witness.noise.sigma_at():.3g} % at 18 % signal{widths.get(witness.name, '')}"
        print_line(f"{witness.name:32}shot {shot:.3e}  read {read:.3e}  {sigma}")


def _facts(source: Path, found: "FoundNoise", chart: "NoiseChart") -> dict[str, object]:
    """For scripts."""
    return {
        "source": source,
        "title": chart.title,
        "noise_from": found.origin,
        "shot": found.noise.shot.tolist(),
        "read": found.noise.read.tolist(),
        "sigma_at_18_percent": found.noise.sigma_at(),
        "noise_is_smoothed": found.correlated,
        "warning": found.warning,
        "witnesses": [
            {
                "name": witness.name,
                "shot": witness.noise.shot.tolist(),
                "read": witness.noise.read.tolist(),
                "sigma_at_18_percent": witness.noise.sigma_at(),
            }
            for witness in chart.witnesses
        ],
        "points": list(chart.points),
    }

"""rawclean calibrate: the noise profile of a camera."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.noise_table import print_noise_table
from rawclean.cli.report import print_json, print_line, print_warning
from rawclean.core.limits import MAX_ISO

if TYPE_CHECKING:
    from rawclean.evaluation.calibrate import CalibrationReport


def calibrate(
    shots: Annotated[
        list[Path], typer.Argument(help="Two or more shots of one still scene, from a tripod, at one ISO and exposure.")
    ],
    iso: Annotated[
        float | None, typer.Option(min=1, max=MAX_ISO, help="ISO of the shots, instead of what the files say.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and print, and keep no profile.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace your profile of this camera and ISO.")
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Measure the noise of a camera and keep it as your own profile, for all its photos at and about this ISO.

    Choose a scene with black, grey and bright parts, focused or not, that does not move. Texture does not count.
    """
    from rawclean.evaluation.calibrate import CalibrateSettings, calibrate_files

    report = calibrate_files(shots, CalibrateSettings(iso, dry_run, overwrite))
    for warning in report.warnings:
        print_warning(warning)
    if as_json:
        print_json(report)
    elif not quiet:
        _print(report)


def _print(report: "CalibrationReport") -> None:
    """The points as a table, and what follows of them."""
    from rawclean.evaluation.noise_chart import Witness

    found, line = report.calibration, report.calibration.line
    print_noise_table(found.points, [Witness("profile", found.noise, "profile")])
    light = ", ".join(f"{gain:.3f}" for gain in found.light)
    electrons = f"{report.read_electrons:.2f} electrons"
    facts = {
        "camera": f"{report.camera}, ISO {report.iso:g}, {report.shots} shots",
        "brightness of shots": light,
        "left out": f"{found.moved:.1%} of the blocks moved, {found.clipped:.1%} clipped or nearly so",
        "shot": f"{line.shot:.4g} +- {line.shot_error:.1g} (full scale {report.full_scale_electrons:,.0f} electrons, "
        f"{report.codes_per_electron:.3g} codes each)",
        "read": f"{line.read:.4g} +- {line.read_error:.1g} ({electrons})",
        "sigma at 18 percent": f"{found.noise.sigma_at():.5f}",
        "profile": f"written to {report.written}" if report.written else "not written (--dry-run)",
    }
    for name, value in facts.items():
        print_line(f"{name:22}{value}")

"""rawclean verify: is a result its source in everything but the noise?"""

from pathlib import Path
from typing import Annotated

import typer

from rawclean.cli import options
from rawclean.cli.report import print_json, print_line


def verify(
    output: Annotated[Path, typer.Argument(help="A DNG that rawclean wrote.")],
    source: Annotated[Path | None, typer.Argument(help="The photo that it was made of.")] = None,
    as_json: options.Json = False,
) -> None:
    """Check tags, geometry, levels, brightness, highlights and residual noise; exit status 1 if something is off."""
    from rawclean.evaluation.fidelity import verify as run_checks

    checks = run_checks(output, source)
    if as_json:
        print_json({"output": output, "source": source, "checks": checks})
    else:
        for check in checks:
            print_line(f"{'ok  ' if check.passed else 'OFF '} {check.name:26}{check.detail}")
    if not all(check.passed for check in checks):
        raise typer.Exit(1)

"""rawclean integrate: rawclean in the programs where photographers work."""

from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli.report import print_line
from rawclean.integrations.target import Target

if TYPE_CHECKING:
    from rawclean.integrations.entries import Change


def integrate(
    program: Annotated[Target, typer.Argument(help="The photo program to work in.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take away what was installed there.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the files and where they would go; write and remove nothing.")
    ] = False,
) -> None:
    """Install a button or an entry for rawclean in a photo program, for your user alone."""
    from rawclean.integrations.programs import INTEGRATIONS, carry_out_integration, plan_integration

    changes = plan_integration(program, remove=remove)
    if dry_run:
        for change in changes:
            _show(change, remove=remove)
        return
    carry_out_integration(changes)
    for change in changes:
        print_line(f"{change.path}: {_done(change)}")
    if not remove:
        print_line(INTEGRATIONS[program].next_step(changes))


def _show(change: "Change", *, remove: bool) -> None:
    print_line(f"# {change.path}: {'without' if remove else 'with'} this")
    for line in change.shown.decode("utf-8", "surrogateescape").splitlines():
        print_line(line)


def _done(change: "Change") -> str:
    if change.after == change.before:
        return "nothing to remove" if change.after is None else "was as it should be"
    return "removed" if change.after is None else "written"

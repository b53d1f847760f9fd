"""rawclean doctor: the installation, looked at and tried."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from rawclean.cli import options
from rawclean.cli.config import check_config, config_paths
from rawclean.cli.report import print_json, print_line
from rawclean.errors import ConfigError

if TYPE_CHECKING:
    from rawclean.doctor.finding import Finding


def doctor(context: typer.Context, as_json: options.Json = False) -> None:
    """Check this installation: versions, processor, graphics card, files, and every model on an example.

    Paste what it prints into a bug report: it names neither you nor your machine. Exit status 1 says: a fault.
    """
    from rawclean.doctor.examine import examine
    from rawclean.doctor.finding import State

    findings = []
    for finding in examine(lambda: _configuration(context)):
        findings.append(finding)
        if not as_json:
            print_line(f"{_MARKS[finding.state.value]:6}{finding.name:30}{finding.text}")
    faults = sum(finding.state is State.FAULT for finding in findings)
    if as_json:
        print_json({"faults": faults, "findings": findings})
    else:
        print_line(f"{faults or 'no'} fault{'' if faults == 1 else 's'} found")
    raise typer.Exit(1 if faults else 0)


_MARKS = {"good": "ok", "note": "note", "fault": "FAULT"}


def _configuration(context: typer.Context) -> "Iterator[Finding]":
    """The configuration files; what they hold is not told."""
    from rawclean.doctor.finding import Finding, State

    for name, path in zip(("configuration of yours", "configuration here"), config_paths(), strict=True):
        try:
            there = check_config(path, context.find_root().command)
            yield Finding(name, State.GOOD, f"{path}: {'is read' if there else 'not there'}")
        except ConfigError:
            yield Finding(name, State.FAULT, f"{path}: cannot be used; `rawclean config show` says why")

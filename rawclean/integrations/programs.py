"""The photo programs that rawclean knows a way into."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rawclean.integrations.darktable import DARKTABLE, darktable_entries
from rawclean.integrations.entries import Change, OwnFile, OwnLine, carry_out, plan
from rawclean.integrations.gimp import GIMP, after_gimp, gimp_entries
from rawclean.integrations.open_with import (
    DIGIKAM,
    RAWTHERAPEE,
    TO_DIGIKAM,
    TO_RAWTHERAPEE,
    open_with_entries,
    tell_desktop,
)
from rawclean.integrations.places import PhotoProgram, find_program
from rawclean.integrations.target import Target


@dataclass(frozen=True, slots=True)
class Integration:
    """How rawclean comes into one program."""

    program: PhotoProgram
    entries: Callable[[Path | None], Sequence[OwnFile | OwnLine]]
    """For where the program is; None where it is not needed, to remove them."""
    next_step: Callable[[Sequence[Change]], str]
    """What the photographer does once these changes are made."""


INTEGRATIONS = {
    Target.DARKTABLE: Integration(
        DARKTABLE,
        darktable_entries,
        lambda _changes: (
            "start darktable anew; in the lighttable, `denoise with rawclean` is under actions on selection"
        ),
    ),
    Target.RAWTHERAPEE: Integration(
        RAWTHERAPEE,
        lambda program: open_with_entries(TO_RAWTHERAPEE, program),
        lambda _changes: "select RAW photos in your file manager, then Open with: `Denoise and open in RawTherapee`",
    ),
    Target.DIGIKAM: Integration(
        DIGIKAM,
        lambda _program: open_with_entries(TO_DIGIKAM, None),
        lambda _changes: (
            "start digiKam anew; `Denoise with rawclean` is in the menu of selected RAW photos under Open With"
        ),
    ),
    Target.GIMP: Integration(
        GIMP,
        gimp_entries,
        after_gimp,
    ),
}


def plan_integration(target: Target, *, remove: bool) -> list[Change]:
    """What installs rawclean in a program, or removes it; raises IntegrationError where the program is not there."""
    integration = INTEGRATIONS[target]
    program = None if remove else find_program(integration.program)
    return plan(integration.entries(program), remove=remove)


def carry_out_integration(changes: Sequence[Change]) -> None:
    """Make the changes; raises OutputError where one cannot be made."""
    carry_out(changes)
    tell_desktop([change.path for change in changes if change.after != change.before])

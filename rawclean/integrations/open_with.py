"""An entry under "Open with" of file managers and digiKam on Linux, and the script that it starts.

The entry is for image/x-dcraw, of which every RAW type is a kind: programs that name the kinds themselves come before
it, so that a double click on a photo opens what it has always opened.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rawclean.errors import IntegrationError
from rawclean.integrations.entries import OwnFile
from rawclean.integrations.places import PhotoProgram, data_home
from rawclean.integrations.quoting import for_desktop_entry, for_desktop_value, for_shell, own_command
from rawclean.integrations.templates import render
from rawclean.io.suffixes import RAW_EXTENSIONS

DIGIKAM = PhotoProgram("digiKam", ("digikam",), "digikam.app", "digiKam/digikam.exe")
RAWTHERAPEE = PhotoProgram("RawTherapee", ("rawtherapee",), "RawTherapee.app", "RawTherapee/*/rawtherapee.exe")


@dataclass(frozen=True, slots=True)
class OpenWith:
    """One entry."""

    key: str
    """As the command line has it."""
    title: str
    """Of the entry."""
    suffix: str
    """Of the results."""


TO_DIGIKAM = OpenWith("digikam", "Denoise with rawclean", ".dng")
TO_RAWTHERAPEE = OpenWith("rawtherapee", "Denoise and open in RawTherapee", ".dng")
TO_GIMP = OpenWith("gimp", "Denoise and open in GIMP", ".tiff")


def open_with_entries(entry: OpenWith, opener: Path | None) -> list[OwnFile]:
    """The script and the desktop entry, which hand results to `opener`, if any; raises IntegrationError."""
    if not sys.platform.startswith("linux"):
        raise IntegrationError(
            f"{entry.key}: rawclean has no entry for it on this system; README, In your photo program, has a recipe"
        )
    script = data_home() / "rawclean" / f"denoise-for-{entry.key}"
    text = render(
        "open_with.sh.j2",
        entry.key,
        command=for_shell(own_command()),
        suffix=entry.suffix,
        raw="|".join(RAW_EXTENSIONS),
        opener=for_shell([str(opener)]) if opener else "",
    )
    desktop = render(
        "open_with.desktop.j2",
        entry.key,
        name=entry.title,
        exec=for_desktop_entry(str(script)),
        try_exec=for_desktop_value(str(script)),
    )
    place = data_home() / "applications" / f"rawclean-{entry.key}.desktop"
    return [OwnFile(script, text, executable=True), OwnFile(place, desktop)]


def tell_desktop(paths: Sequence[Path]) -> None:
    """Have the desktop look again at the folders of entries among `paths`; without its tool it does so in time."""
    tool = shutil.which("update-desktop-database")
    for folder in {path.parent for path in paths if path.suffix == ".desktop" and path.parent.is_dir()}:
        if tool:
            subprocess.run([tool, "--quiet", folder], check=False, capture_output=True)

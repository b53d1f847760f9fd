"""GIMP: a loader of RAW photos for GIMP 3, and on Linux an entry under "Open with" for every version.

GIMP 2.10 runs Python 2, which is nowhere any more, or Script-Fu, which starts no program: it has the entry alone.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from rawclean.errors import IntegrationError
from rawclean.integrations.entries import Change, OwnFile
from rawclean.integrations.open_with import TO_GIMP, open_with_entries
from rawclean.integrations.places import PhotoProgram, gimp_home
from rawclean.integrations.quoting import for_python, own_command
from rawclean.integrations.templates import render
from rawclean.io.suffixes import RAW_EXTENSIONS

PLUGIN = "rawclean.py"
GIMP = PhotoProgram("GIMP", ("gimp", "gimp-3.0", "gimp-2.10"), "GIMP.app", "GIMP*/bin/gimp-*.exe")


def gimp_entries(program: Path | None) -> list[OwnFile]:
    """A plug-in for every GIMP 3 that was started once, and the entry; raises IntegrationError where neither can be."""
    extensions = ",".join(RAW_EXTENSIONS)
    plugin = render("gimp_plugin.py.j2", "gimp", command=for_python(own_command()), extensions=extensions)
    plugins = [
        OwnFile(home / "plug-ins" / "rawclean" / PLUGIN, plugin, executable=True)
        for home in sorted(gimp_home().glob("3.*"))
    ]
    if sys.platform.startswith("linux"):
        return [*plugins, *open_with_entries(TO_GIMP, program)]
    if not plugins:
        raise IntegrationError(
            "GIMP 3 has no folder of settings yet; start it once (2.10 has no way in), and try again"
        )
    return plugins


def after_gimp(changes: Sequence[Change]) -> str:
    """What the photographer does once these changes are made: not every GIMP has both the plug-in and the entry."""
    has_plugin = any(change.path.name == PLUGIN for change in changes)
    has_entry = any(change.path.suffix == ".desktop" for change in changes)
    entry = f"open RAW photos from your file manager: `{TO_GIMP.title}`" if has_entry else None
    plugin = (
        "start GIMP 3 anew, and choose it in Preferences, Image Import & Export, Raw Image Importer"
        if has_plugin
        else "GIMP 3 can have it inside, too: start GIMP 3 once, and run this again"
    )
    return "; ".join(filter(None, (entry, plugin)))

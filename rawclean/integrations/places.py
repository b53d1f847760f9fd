"""Where photo programs are, and where they look for what their users add."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from rawclean.errors import IntegrationError


@dataclass(frozen=True, slots=True)
class PhotoProgram:
    """A program as it is installed."""

    title: str
    commands: tuple[str, ...]
    """Names on the PATH, the best first."""
    bundle: str
    """Folder of the application on macOS."""
    executable: str
    """Pattern below the folder of programs on Windows."""


def find_program(program: PhotoProgram) -> Path:
    """The program on this machine; raises IntegrationError where it is not installed."""
    for command in program.commands:
        if found := shutil.which(command):
            return Path(found).absolute()
    for place in _usual_places(program):
        return place
    raise IntegrationError(f"{program.title} was not found; install it, or put its program on the PATH, and try again")


def config_home() -> Path:
    """Where darktable and other programs with GLib keep settings: XDG's folder, on Windows that of local programs."""
    if sys.platform == "win32":
        return _folder("XDG_CONFIG_HOME") or _folder("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    return _folder("XDG_CONFIG_HOME") or Path.home() / ".config"


def gimp_home() -> Path:
    """Where every version of GIMP has a folder of settings."""
    if sys.platform == "win32":
        return (_folder("APPDATA") or Path.home() / "AppData" / "Roaming") / "GIMP"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "GIMP"
    return config_home() / "GIMP"


def data_home() -> Path:
    """Where a Linux desktop looks for a user's own entries."""
    return _folder("XDG_DATA_HOME") or Path.home() / ".local" / "share"


def _folder(variable: str) -> Path | None:
    """The folder that a variable names; None where it names none, or a relative one, which XDG has ignored."""
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else None


def _usual_places(program: PhotoProgram) -> list[Path]:
    if sys.platform == "darwin":
        folders = [Path("/Applications"), Path.home() / "Applications"]
        return [folder / program.bundle for folder in folders if (folder / program.bundle).is_dir()]
    if sys.platform == "win32":
        programs = [_folder("PROGRAMFILES"), _folder("PROGRAMFILES(X86)")]
        return [
            found for folder in programs if folder for found in sorted(folder.glob(program.executable), reverse=True)
        ]
    return []

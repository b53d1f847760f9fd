"""Where shells look for the completion of a command; what users have written into their files is never rewritten."""

import os
import shlex
import sys
from enum import Enum
from pathlib import Path

import platformdirs

from rawclean.errors import OutputError, UsageError
from rawclean.io.atomic import write_atomically


class Shell(Enum):
    """Shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


_BEFORE = {Shell.ZSH: "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }\n"}
"""zsh has no completion until it is asked to."""


def install_completion(shell: Shell, script: str) -> Path:
    """Write `script` where a shell finds it, and have the shell read it at its start; return what it reads.

    Doing it again changes nothing. Raises OutputError where a file cannot be written, UsageError for PowerShell, whose
    profile it alone knows.
    """
    if shell is Shell.POWERSHELL:
        raise UsageError("in PowerShell type: rawclean completion show powershell | Add-Content $PROFILE")
    folder = platformdirs.user_data_path("rawclean") / "completion"
    path = _fish_completions() / "rawclean.fish" if shell is Shell.FISH else folder / f"rawclean.{shell.value}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be made ({error.strerror or error})") from error
    write_atomically(path, [f"{_BEFORE.get(shell, '')}{script}\n".encode()])
    if shell is Shell.FISH:
        return path
    start = _start_file(shell)
    quoted = shlex.quote(str(path))
    _append(start, f"if [ -r {quoted} ]; then . {quoted}; fi  # completion of rawclean\n")
    return start


def _start_file(shell: Shell) -> Path:
    """What the shells that a terminal opens read first; on a Mac they are login shells."""
    if shell is Shell.ZSH:
        return Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc"
    return Path.home() / (".bash_profile" if sys.platform == "darwin" else ".bashrc")


def _fish_completions() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "fish" / "completions"


def _append(path: Path, line: str) -> None:
    """Add a line at the end of a file, if it is not in it; raises OutputError."""
    wanted = os.fsencode(line)
    try:
        with path.open("a+b") as file:
            file.seek(0)
            content = file.read()
            if wanted not in content:
                file.write(wanted if not content or content.endswith(b"\n") else b"\n" + wanted)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); add this line to it: {line.strip()}"
        ) from error

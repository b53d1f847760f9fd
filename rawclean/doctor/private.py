"""Text without what is nobody's business in public: home folder, user and host."""

import getpass
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_USER_VARIABLES = ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER")
_CASE = re.IGNORECASE if sys.platform == "win32" else re.NOFLAG
"""As names of folders have it."""


def without_names(text: str) -> str:
    """`text` with `~` for the home folder, and USER and HOST for the names of both."""
    for home in _homes():
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text, flags=_CASE)
    for name in sorted(_users(), key=len, reverse=True):
        text = _replaced(text, name, "USER")
    for name in _hosts():
        text = _replaced(text, name, "HOST")
    return text


def _replaced(text: str, name: str, stand_in: str) -> str:
    """Whole words only: a user may be called like a part of one, or like what is written with a capital (Debian)."""
    return re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", stand_in, text, flags=_CASE)


def _homes() -> Iterator[str]:
    """The home folder as it is called and as it is, also as Python quotes it; none that is a whole disk."""
    with suppress(RuntimeError, OSError):
        for home in (Path.home(), Path.home().resolve()):
            if home.parent != home:
                yield from (str(home), str(home).replace("\\", "\\\\"), home.as_posix())


def _users() -> set[str]:
    names = {os.environ.get(variable, "") for variable in _USER_VARIABLES}
    with suppress(KeyError, OSError, ImportError):  # a user without an entry
        names.add(getpass.getuser())
    with suppress(RuntimeError):
        names.add(Path.home().name)
    return names - {""}


def _hosts() -> list[str]:
    """The longest first: with its domain, and alone."""
    name = platform.node()
    return [each for each in dict.fromkeys((name, name.partition(".")[0])) if each]

"""The command of this rawclean, quoted for the language of a file; the folder that it is in may have any name."""

import os
import shlex
import sys
from collections.abc import Sequence

from rawclean.errors import IntegrationError

_PLAIN_IN_LUA = frozenset(range(0x20, 0x7F)) - set(b'"\\')


def own_command() -> tuple[str, ...]:
    """How this installation is started from anywhere.

    -P has Python take no module from the folder that it is started in, which may be one of photos from elsewhere.
    """
    return (sys.executable, "-P", "-m", "rawclean")


def for_lua(words: Sequence[str]) -> str:
    """Lua strings with a comma between them; all that is not plain ASCII as decimal escapes of its bytes."""
    return ", ".join(f'"{_lua_bytes(os.fsencode(word))}"' for word in words)


def for_shell(words: Sequence[str]) -> str:
    """Words of a POSIX shell."""
    return shlex.join(words)


def for_python(words: Sequence[str]) -> str:
    """A list of strings, in ASCII."""
    return ascii(list(words))


def for_desktop_entry(path: str) -> str:
    """The value of Exec in a desktop entry that starts the program at `path`.

    Quoted twice, as the Desktop Entry Specification wants it: as a word, then as a value. Raises IntegrationError
    where it has no way to say the name, or GLib does not take it: it looks for a file with both percent signs.
    """
    if not path.isprintable() or "=" in path or "%" in path:
        raise IntegrationError(f"{path}: a desktop entry cannot name this folder; set XDG_DATA_HOME to a plainer one")
    word = "".join(f"\\{character}" if character in '"`$\\' else character for character in path)
    return f'"{word}"'.replace("\\", "\\\\")


def for_desktop_value(path: str) -> str:
    """A plain value of a desktop entry."""
    return path.replace("\\", "\\\\")


def _lua_bytes(text: bytes) -> str:
    return "".join(chr(byte) if byte in _PLAIN_IN_LUA else f"\\{byte:03d}" for byte in text)

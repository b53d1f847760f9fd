"""The command that makes a version of a photo, as it is typed into a shell."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rawclean.core.printable import escaped


def command_of(source: Path, options: Sequence[str]) -> str:
    """`rawclean denoise` of a photo, on one line of what can be shown, for this system's shell."""
    name = "./-" if str(source) == "-" else str(source)  # `-` alone is standard input
    words = ["rawclean", "denoise", *options, "--", name]
    if os.name == "nt":
        return escaped(subprocess.list2cmdline(words))
    return " ".join(map(_word, words))


def _word(word: str) -> str:
    r"""One word for bash and zsh; what cannot be shown needs their quotes of C, with the bytes in octal: $'a\012b'."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_in_c, word)) + "'"


def _in_c(character: str) -> str:
    if character.isprintable() and character not in "\\'!":  # an exclamation mark calls for an earlier command
        return character
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))

"""`rawclean batch` as a process of its own, and what it leaves behind."""

import hashlib
import subprocess
import sys

COMMAND = [sys.executable, "-m", "rawclean", "batch"]


def start(*arguments, stderr=subprocess.PIPE, env=None):
    """Begin a batch that prints one JSON line per photo."""
    command = [*COMMAND, *map(str, arguments), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=env)


def digests(folder):
    """sha256 of every DNG below a folder, by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.dng")
    }

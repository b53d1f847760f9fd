"""A program on a terminal of its own, typed at and read from."""

import os
import select
import subprocess
import time
from pathlib import Path


class Terminal:
    """A pseudo terminal with a program on it; a context manager that ends the program."""

    def __init__(self, *command: str | Path, env: dict[str, str], cwd: Path | None = None) -> None:
        import fcntl  # Unix only, all three
        import pty
        import termios

        self._ours, theirs = pty.openpty()
        self._program = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # it controls the program, as shells want it
        )
        os.close(theirs)
        self.shown = b""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, words: str, seconds: float = 30) -> None:
        """Read until `words` are shown; raises TimeoutError."""
        end = time.monotonic() + seconds
        while words.encode() not in self.shown:
            if time.monotonic() > end:
                raise TimeoutError(f"{words!r} is not in {self.shown!r}")
            if select.select([self._ours], [], [], 0.1)[0]:
                self.shown += os.read(self._ours, 1 << 16)

    def read_all(self) -> bytes:
        """All that the program shows until it ends."""
        while True:
            try:
                more = os.read(self._ours, 1 << 16)
            except OSError:  # as Linux has it, once the other side is closed
                break
            if not more:
                break
            self.shown += more
        self._program.wait()
        return self.shown

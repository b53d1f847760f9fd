"""What rawclean adds to a photo program: files of its own, and a line in a file of the user's; each is told by a mark.

Every change is planned before the first is made, so that what cannot be done leaves nothing half done.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rawclean.errors import IntegrationError, OutputError
from rawclean.io.atomic import write_atomically

MARK = b"installed by `rawclean integrate"
"""In the first lines of every file of ours."""
LINE_MARK = b"-- by `rawclean integrate"
_HEAD = 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one file."""

    path: Path
    before: bytes | None
    """None where there is none."""
    after: bytes | None
    shown: bytes
    """What of it is ours."""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file that is rawclean's alone."""

    path: Path
    content: bytes
    executable: bool = False

    def change(self, *, remove: bool) -> Change:
        """Write or remove it; raises IntegrationError where another file has its name."""
        present = _read(self.path)
        if present is not None and MARK not in present[:_HEAD]:
            raise IntegrationError(f"{self.path}: is not rawclean's, so it is kept; move it away, and try again")
        return Change(self.path, present, None if remove else self.content, self.content, self.executable)


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line of Lua in a file of the user's, whose other bytes stay as they are."""

    path: Path
    line: bytes

    def change(self, *, remove: bool) -> Change:
        """Add the line before all others, once, or take it away; a file without any other is removed."""
        present = _read(self.path)
        mark = _BYTE_ORDER_MARK if (present or b"").startswith(_BYTE_ORDER_MARK) else b""
        lines = (present or b"").removeprefix(mark).splitlines(keepends=True)
        others = [line for line in lines if LINE_MARK not in line]
        if remove:
            return Change(self.path, present, mark + b"".join(others) or None, self.line)
        if lines.count(self.line) == 1 and len(others) + 1 == len(lines):
            return Change(self.path, present, present, self.line)  # wherever the user has moved it
        start = 1 if others and others[0].startswith(b"#") else 0  # a line for the shell, which Lua skips
        return Change(self.path, present, mark + b"".join([*others[:start], self.line, *others[start:]]), self.line)


def plan(entries: Sequence[OwnFile | OwnLine], *, remove: bool) -> list[Change]:
    """What installs the entries in this order, or removes them in the opposite one; raises IntegrationError."""
    return [entry.change(remove=remove) for entry in (reversed(entries) if remove else entries)]


def carry_out(changes: Sequence[Change]) -> None:
    """Make the changes; raises OutputError where a file cannot be written or removed."""
    for change in changes:
        if change.after == change.before:
            continue
        path = change.path.resolve()  # a link to a file that is kept elsewhere stays one
        try:
            if change.after is None:
                path.unlink()
                with suppress(OSError):  # others have files in it
                    path.parent.rmdir()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                mode = (
                    0o755 if change.executable else path.stat().st_mode & 0o777 if change.before is not None else None
                )
                write_atomically(path, [change.after])
                if mode is not None:
                    path.chmod(mode)
        except OSError as error:
            raise OutputError(f"{path}: cannot be changed ({error.strerror or error})") from error


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror or error}); it is left as it is") from error

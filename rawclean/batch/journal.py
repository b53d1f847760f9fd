"""What has become of every job of a folder of results: one SQLite file, so that a run can be stopped at any moment.

A job is marked as begun before its worker starts and as ended when its outcome is known, each in a transaction of its
own that is on the disk before the run goes on. The file is locked while a run is at work and free when its process is
gone, however it went.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import platformdirs

from rawclean.batch import storage
from rawclean.batch.job import Outcome
from rawclean.batch.plan import Job
from rawclean.errors import OutputError, TargetFullError

JOURNAL = "rawclean-journal.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    name TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    stamp TEXT NOT NULL,
    digest TEXT,
    settings TEXT NOT NULL,
    before TEXT,
    state TEXT NOT NULL,
    error TEXT,
    report TEXT,
    time TEXT NOT NULL
) WITHOUT ROWID
"""


class State(Enum):
    """How far a job has come."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal knows of one job."""

    name: str
    """Of the result, in the folder of results."""
    source: str
    stamp: str
    """Size and time of the source when it was denoised."""
    digest: str | None
    """sha256 of the source."""
    settings: str
    before: str | None
    """Stamp of the result when the job began; None where there was none."""
    state: State
    error: str | None
    report: dict[str, Any] | None
    """Fields of `DenoiseReport`."""
    time: str
    """When this was written, ISO 8601, UTC."""


class Journal:
    """The journal of one folder of results; a context manager that holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._failing_clearly():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            # exclusive before WAL: no shared memory file, so that network drives serve, too
            for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.execute("BEGIN EXCLUSIVE")
            self._database.execute(_SCHEMA)
            self._database.execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def find(self, name: str) -> Entry | None:
        """The entry of a result, where there is one."""
        with self._failing_clearly():
            row = self._database.execute("SELECT * FROM jobs WHERE name = ?", (name,)).fetchone()
        return _entry(row) if row else None

    def entries(self) -> list[Entry]:
        """All entries, by name."""
        with self._failing_clearly():
            return [_entry(row) for row in self._database.execute("SELECT * FROM jobs ORDER BY name")]

    def begin(self, job: Job, settings: str, before: str | None) -> None:
        """Note that a job is about to start; `before` is the stamp of the result that is there already."""
        self.put(Entry(job.name, job.source, job.stamp, None, settings, before, State.BEGUN, None, None, _now()))

    def end(self, outcome: Outcome, settings: str) -> None:
        """Note what became of a job."""
        job, error = outcome.job, outcome.error
        state = State.FAILED if error else State.DONE
        report = None if outcome.report is None else asdict(outcome.report)
        self.put(Entry(job.name, job.source, job.stamp, outcome.digest, settings, None, state, error, report, _now()))

    def put(self, entry: Entry) -> None:
        """Store an entry, in place of an earlier one of the same result."""
        report = None if entry.report is None else json.dumps(entry.report)
        row = (
            *(entry.name, entry.source, entry.stamp, entry.digest, entry.settings, entry.before),
            *(entry.state.value, entry.error, report, entry.time),
        )
        with self._failing_clearly():
            self._database.execute(f"INSERT OR REPLACE INTO jobs VALUES ({', '.join('?' * len(row))})", row)

    @contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _explained(self._path, error) from error


def journal_path(folder: str) -> Path:
    """Where the journal of a folder of results is: in it, or with rawclean's own files where it is on no local disk."""
    if storage.is_local(folder):
        return storage.local_path(folder) / JOURNAL
    readable = "".join(letter if letter.isalnum() else "-" for letter in folder)
    return platformdirs.user_state_path("rawclean") / "journals" / f"{readable}.sqlite"


def _explained(path: Path, error: Exception) -> OutputError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return OutputError(f"{path}: another run is at work in this folder; wait for it, or name another with --out")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return OutputError(f"{path}: is damaged ({error}); delete it, results that are there will be kept")
    return TargetFullError(f"{path}: cannot be written ({error}); make room, or make the folder writable")


def _entry(row: tuple[Any, ...]) -> Entry:
    name, source, stamp, digest, settings, before, state, error, report, time = row
    told = None if report is None else json.loads(report)
    return Entry(name, source, stamp, digest, settings, before, State(state), error, told, time)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

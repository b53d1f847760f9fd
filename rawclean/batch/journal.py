"""What has become of every job of a folder of results: one SQLite file, so that a run can be stopped at any moment.

A job is marked as begun before its worker starts and as ended when its outcome is known, each in a transaction of its
own that is on the disk before the run goes on. The file is locked while a run is at work and free when its process is
gone, however it went. Names in it are bytes that need not be UTF-8, credentials are never in it.
"""

import hashlib
import json
import math
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import platformdirs

from rawclean.batch import storage
from rawclean.batch.outcome import Outcome
from rawclean.batch.plan import Job
from rawclean.core.printable import without_credentials
from rawclean.core.typed import plain, structured
from rawclean.denoise_report import DenoiseReport
from rawclean.errors import OutputError, TargetFullError
from rawclean.io.scratch import scratch_folder

JOURNAL = "rawclean-journal.sqlite"
_VERSION = 3
"""Of the schema, in SQLite's user_version; earlier ones have the same columns and reports of other fields."""
_READABLE_REPORTS = 2
"""The version from which on reports can be read: they lack what has a default."""
_COLUMNS = ("name", "source", "stamp", "digest", "settings", "before", "state", "error", "report", "time")
_MAY_BE_NULL = ("digest", "before", "error", "report")
"""All others hold text, as these do where they are not null."""
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
    report: DenoiseReport | None
    time: str
    """When this was written, ISO 8601, UTC."""


class Journal:
    """The journal of one folder of results; a context manager that holds it."""

    def __init__(self, path: Path, shown_as: Path | None = None) -> None:
        """`shown_as` is what messages call it."""
        self._path = shown_as or path
        with self._failing_clearly():
            _check_link(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            # exclusive before WAL: no shared memory file, so that network drives serve, too
            for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.text_factory = os.fsdecode
            self._database.execute("BEGIN EXCLUSIVE")
            self._migrate()
            self._database.execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def find(self, name: str) -> Entry | None:
        """The entry of a result, where there is one; raises OutputError where it is damaged."""
        return next(iter(self._select("WHERE name = CAST(? AS TEXT)", os.fsencode(name))), None)

    def entries(self) -> list[Entry]:
        """All entries, by name; raises OutputError where one is damaged."""
        return self._select("ORDER BY name")

    def forget(self, job: Job) -> None:
        """Drop the entry of a job that turned out to be none."""
        with self._failing_clearly():
            self._database.execute("DELETE FROM jobs WHERE name = CAST(? AS TEXT)", (os.fsencode(job.name),))

    def begin(self, job: Job, settings: str, before: str | None) -> None:
        """Note that a job is about to start; `before` is the stamp of the result that is there already."""
        self.put(Entry(job.name, job.source, job.stamp, None, settings, before, State.BEGUN, None, None, _now()))

    def end(self, outcome: Outcome, settings: str) -> None:
        """Note what became of a job."""
        job, error = outcome.job, outcome.error
        state = State.FAILED if error else State.DONE
        digest, report = outcome.digest, outcome.report
        self.put(Entry(job.name, job.source, job.stamp, digest, settings, None, state, error, report, _now()))

    def put(self, entry: Entry) -> None:
        """Store an entry, in place of an earlier one of the same result."""
        report = None if entry.report is None else json.dumps(plain(entry.report))
        row = (
            *(entry.name, without_credentials(entry.source), entry.stamp, entry.digest, entry.settings, entry.before),
            *(entry.state.value, entry.error and without_credentials(entry.error), report, entry.time),
        )
        values = ", ".join("CAST(? AS TEXT)" for _ in row)
        with self._failing_clearly():
            self._database.execute(
                f"INSERT OR REPLACE INTO jobs ({', '.join(_COLUMNS)}) VALUES ({values})",
                [None if field is None else os.fsencode(field) for field in row],
            )

    def _select(self, which: str, *values: bytes) -> list[Entry]:
        with self._failing_clearly():
            rows = self._database.execute(f"SELECT {', '.join(_COLUMNS)} FROM jobs {which}", values).fetchall()
        return [_entry(row, self._path) for row in rows]

    def _migrate(self) -> None:
        """Bring the schema to this version; raises OutputError where it is of a later one."""
        (found,) = self._database.execute("PRAGMA user_version").fetchone()
        if found > _VERSION:
            raise OutputError(
                f"{self._path}: was written by a newer rawclean; update, or delete it, results that are there are kept"
            )
        self._database.execute(_SCHEMA)
        if found < _READABLE_REPORTS:
            self._database.execute("UPDATE jobs SET report = NULL")
        self._database.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _explained(self._path, error) from error


@contextmanager
def copied_journal(path: Path) -> Iterator[Journal]:
    """A journal of the same content that may be written to, also where `path` may not, or is in use; empty without it.

    Raises OutputError where it is damaged.
    """
    _check_link(path)
    with scratch_folder() as folder:
        copy = Path(folder) / JOURNAL
        for suffix in ("", "-wal"):
            part = path.with_name(path.name + suffix)
            if part.is_file():
                shutil.copyfile(part, f"{copy}{suffix}")
        with Journal(copy, shown_as=path) as journal:
            yield journal


def journal_path(folder: str) -> Path:
    """Where the journal of a folder of results is: in it, or with rawclean's own files where it is on no local disk."""
    if storage.is_local(folder):
        return storage.local_path(folder) / JOURNAL
    target = without_credentials(folder).rstrip("/")
    readable = re.sub(r"[^A-Za-z0-9]+", "-", target)[:64]
    unique = hashlib.sha256(os.fsencode(target)).hexdigest()[:12]
    return platformdirs.user_state_path("rawclean") / "journals" / f"{readable}-{unique}.sqlite"


def _check_link(path: Path) -> None:
    """Raise OutputError for a link that leads nowhere: the journal would be made wherever that is."""
    if path.is_symlink() and not path.exists():
        raise OutputError(f"{path}: is a link that leads nowhere; delete it")


def _explained(path: Path, error: Exception) -> OutputError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return OutputError(f"{path}: another run is at work in this folder; wait for it, or name another with --out")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):  # the last: other columns
        return _damaged(path, str(error))
    return TargetFullError(f"{path}: cannot be written ({error}); make room, or make the folder writable")


def _damaged(path: Path, reason: str) -> OutputError:
    return OutputError(f"{path}: is damaged ({reason}); delete it, results that are there will be kept")


def _entry(row: tuple[Any, ...], path: Path) -> Entry:
    fields = dict(zip(_COLUMNS, row, strict=True))
    try:
        for column, value in fields.items():
            if not (isinstance(value, str) or (value is None and column in _MAY_BE_NULL)):
                raise ValueError(f"{column} is no text")
        report = None if fields["report"] is None else _report(fields["report"])
        return Entry(**fields | {"state": State(fields["state"]), "report": report})
    except ValueError as error:
        raise _damaged(path, f"{fields['name']}: {error}") from error


def _report(text: str) -> DenoiseReport:
    """The report of that JSON; raises ValueError where it is none."""
    try:
        report = structured(json.loads(text), DenoiseReport)
    except RecursionError as error:
        raise ValueError("report: tables in tables without end") from error
    numbers = (report.shot, report.read, report.sigma, report.iso or 0.0, *report.seconds.values())
    if not all(map(math.isfinite, numbers)):
        raise ValueError("report: numbers that are not finite")
    return report


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

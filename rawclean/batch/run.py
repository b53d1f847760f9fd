"""Jobs to outcomes: while the network is at one photo, the next is read and the last is written.

The network uses all cores or the GPU, so photos do not run through it side by side.
"""

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from rawclean.batch.plan import Job
from rawclean.errors import OutputError, RawcleanError
from rawclean.inference.denoise import Progress
from rawclean.pipeline import DenoiseReport, DenoiseSettings, Prepared, clean, finish, prepare

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job: a report, or an error, or neither where the result was there already."""

    job: Job
    report: DenoiseReport | None = None
    error: str | None = None

    @property
    def skipped(self) -> bool:
        """Whether there was nothing to do."""
        return self.report is None and self.error is None


def run_jobs(jobs: Sequence[Job], settings: DenoiseSettings, progress: Progress | None = None) -> Iterator[Outcome]:
    """Denoise the photos in order; a bad one is an outcome, never the end of the run.

    Three photos are in memory at most. `progress` follows the tiles of the photo at work.
    """
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        read = _read_ahead(jobs, settings, reader)
        written: deque[Future[Outcome]] = deque()
        for job, photo in read:
            written.append(_denoised(job, photo, settings, writer, progress))
            while len(written) > 1:
                yield written.popleft().result()
        while written:
            yield written.popleft().result()


def _read_ahead(
    jobs: Sequence[Job], settings: DenoiseSettings, reader: ThreadPoolExecutor
) -> Iterator[tuple[Job, Prepared | Outcome]]:
    """Each job's photo, of which the next is being read meanwhile."""
    following: Future[Prepared | Outcome] | None = None
    for index, job in enumerate(jobs):
        current = following or reader.submit(_prepared, job, settings)
        photo = current.result()
        following = reader.submit(_prepared, jobs[index + 1], settings) if index + 1 < len(jobs) else None
        yield job, photo


def _prepared(job: Job, settings: DenoiseSettings) -> Prepared | Outcome:
    if job.output.exists() and not settings.overwrite:
        return Outcome(job)

    def read() -> Prepared:
        _make_folder(job)
        return prepare(job.source, job.output, settings)

    return _caught(job, read)


def _denoised(
    job: Job,
    photo: Prepared | Outcome,
    settings: DenoiseSettings,
    writer: ThreadPoolExecutor,
    progress: Progress | None,
) -> Future[Outcome]:
    """Run the network here, and hand the result to the writer."""
    if isinstance(photo, Outcome):
        return _done(photo)
    denoised = _caught(job, lambda: clean(photo, settings, progress))
    if isinstance(denoised, Outcome):
        return _done(denoised)
    return writer.submit(lambda: _caught(job, lambda: Outcome(job, report=finish(photo, denoised, settings))))


def _done(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def _caught(job: Job, action: Callable[[], _Result]) -> _Result | Outcome:
    """The result, or what went wrong."""
    try:
        return action()
    except RawcleanError as error:
        return Outcome(job, error=str(error))
    except Exception:  # a bug met on one photo must not cost the user the thousand others; it is reported in full
        return Outcome(job, error=f"{job.source}: a bug in rawclean, please report it:\n{traceback.format_exc()}")


def _make_folder(job: Job) -> None:
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{job.output.parent}: cannot be made ({error.strerror or error})") from error

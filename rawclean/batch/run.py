"""Jobs to outcomes, over any executor: begun and ended in the journal, one after the other as they end."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass
from threading import Event

from rawclean.batch.job import Outcome, Step, Stopped, Watch, denoise_job
from rawclean.batch.journal import Journal
from rawclean.batch.plan import Job
from rawclean.batch.resume import Redo, left_to_do, settings_key
from rawclean.batch.workers import Workers
from rawclean.errors import TargetFullError
from rawclean.pipeline import DenoiseSettings

_Pending = dict[Future[Outcome], Job]


@dataclass(frozen=True, slots=True)
class Run:
    """What all jobs of a run have in common."""

    settings: DenoiseSettings
    journal: Journal
    workers: Workers
    redo: Redo = Redo.CHANGED
    max_memory: int | None = None
    """Bytes for each process that does the work; None is half of its machine's."""
    watch: Watch | None = None
    """Told how photos get on, where they are denoised in this process."""


def run_jobs(run: Run, jobs: Iterable[Job | None], results: Mapping[str, str]) -> Iterator[Outcome]:
    """Denoise photos; a bad one is an outcome, never the end of the run.

    A None among the jobs says that there is none to begin now. `results` are the stamps of what is in the folder of
    results, by name. When the caller stops early (Ctrl-C closes the generator), photos at work are given up without a
    trace, except those that are being written, which are finished. Raises TargetFullError where no result can be
    written any more.
    """
    pending: _Pending = {}
    stop = Event()
    try:
        for job in jobs:
            outcome = _begun(job, run, results, pending, stop) if job else None
            if outcome:
                yield outcome
            yield from _ended(pending, run, wait_for_one=len(pending) >= run.workers.width())
        while pending:
            yield from _ended(pending, run)
    finally:
        stop.set()
        for future in pending:
            future.cancel()
        while pending:
            deque(_ended(pending, run), maxlen=0)


def _begun(job: Job, run: Run, results: Mapping[str, str], pending: _Pending, stop: Event) -> Outcome | None:
    """Hand a job to the workers; an outcome where there is nothing to do."""
    task = left_to_do(job, results.get(job.name), run.settings, run.journal, run.redo)
    if isinstance(task, Outcome):
        return task
    run.journal.begin(task, settings_key(run.settings), results.get(job.name))
    pending[_submitted(task, run, stop)] = task
    return None


def _submitted(job: Job, run: Run, stop: Event) -> Future[Outcome]:
    if not run.workers.watched:
        return run.workers.executor.submit(denoise_job, job, run.settings, run.max_memory)

    def watch(job: Job, step: Step, share: float) -> None:
        if stop.is_set():
            raise Stopped
        if run.watch:
            run.watch(job, step, share)

    return run.workers.executor.submit(denoise_job, job, run.settings, run.max_memory, watch)


def _ended(pending: _Pending, run: Run, *, wait_for_one: bool = True) -> Iterator[Outcome]:
    """Those that have ended, noted in the journal."""
    for future in wait(pending, None if wait_for_one else 0, return_when=FIRST_COMPLETED).done:
        outcome = _outcome(future, pending.pop(future))
        if outcome is None:
            continue
        if outcome.skipped:
            run.journal.forget(outcome.job)
        else:
            run.journal.end(outcome, settings_key(run.settings))
        yield outcome
        if outcome.fatal:
            raise TargetFullError(f"stopped: {outcome.error}; make room, then run the same command again")


def _outcome(future: Future[Outcome], job: Job) -> Outcome | None:
    """What became of a job; None where it was given up, so that the journal still calls it begun."""
    try:
        return future.result()
    except (Stopped, CancelledError):
        return None
    except Exception as error:  # the worker itself is gone: executors have their own kinds for that
        return Outcome(job, error=f"{job.source}: given up, its workers died of it or were lost ({error})")

"""Jobs to outcomes, over any executor: begun and ended in the journal, one after the other as they end."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass

from rawclean.batch import storage
from rawclean.batch.journal import Journal
from rawclean.batch.outcome import Outcome, Stopped, Watch
from rawclean.batch.plan import Job
from rawclean.batch.resume import Redo, left_to_do, settings_key
from rawclean.batch.workers import Workers
from rawclean.errors import TargetFullError
from rawclean.io.atomic import remove_leftovers
from rawclean.settings import DenoiseSettings

POLL_SECONDS = 0.5
"""Ctrl-C is not heard while Windows waits without an end."""
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
    """Told how photos get on, where the workers can be followed."""


def run_jobs(run: Run, jobs: Iterable[Job | None], results: Mapping[str, str]) -> Iterator[Outcome]:
    """Denoise photos; a bad one is an outcome, never the end of the run.

    A None among the jobs says that there is none to begin now. `results` are the stamps of what is in the folder of
    results, by name. When the caller stops early (Ctrl-C closes the generator), photos at work are given up without a
    trace, except those that are being written, which are finished. Raises TargetFullError where no result can be
    written any more.
    """
    pending: _Pending = {}
    try:
        for job in jobs:
            outcome = _begun(job, run, results, pending) if job else None
            if outcome:
                yield outcome
            yield from _ended(pending, run, wait_for_one=len(pending) >= run.workers.width())
        while pending:
            yield from _ended(pending, run)
    finally:
        if pending:
            run.workers.stop()
        for future in pending:
            future.cancel()
        while pending:
            deque(_ended(pending, run), maxlen=0)


def _begun(job: Job, run: Run, results: Mapping[str, str], pending: _Pending) -> Outcome | None:
    """Hand a job to the workers; an outcome where there is nothing to do."""
    task = left_to_do(job, results.get(job.name), run.settings, run.journal, run.redo)
    if isinstance(task, Outcome):
        return task
    run.journal.begin(task, settings_key(run.settings), results.get(job.name))
    pending[_submitted(task, run)] = task
    return None


def _submitted(job: Job, run: Run) -> Future[Outcome]:
    submit = run.workers.executor.submit
    if run.workers.watched and run.watch:
        return submit(_denoised, job, run.settings, run.max_memory, watch=run.watch)
    return submit(_denoised, job, run.settings, run.max_memory)


def _denoised(job: Job, settings: DenoiseSettings, max_memory: int | None, watch: Watch | None = None) -> Outcome:
    from rawclean.batch.job import denoise_job  # noqa: PLC0415 (what denoises is for the worker alone)

    return denoise_job(job, settings, max_memory, watch)


def _ended(pending: _Pending, run: Run, *, wait_for_one: bool = True) -> Iterator[Outcome]:
    """Those that have ended, noted in the journal."""
    for future in _done(pending, wait_for_one=wait_for_one):
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


def _done(pending: _Pending, *, wait_for_one: bool) -> set[Future[Outcome]]:
    while True:
        done = wait(pending, POLL_SECONDS if wait_for_one else 0, return_when=FIRST_COMPLETED).done
        if done or not wait_for_one:
            return done


def _outcome(future: Future[Outcome], job: Job) -> Outcome | None:
    """What became of a job; None where it was given up, so that the journal still calls it begun."""
    try:
        return future.result()
    except (Stopped, CancelledError):
        _clear_up(job)
        return None
    except Exception as error:  # the worker itself is gone: executors have their own kinds for that
        _clear_up(job)
        return Outcome(job, error=f"{job.source}: given up, its workers died of it or were lost ({error})")


def _clear_up(job: Job) -> None:
    if storage.is_local(job.output):
        remove_leftovers(storage.local_path(job.output))

"""A batch from beginning to end: its plan, journal, workers and report. What comes of it is for the caller to show."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rawclean.batch import storage
from rawclean.batch.journal import Journal, copied_journal, journal_path
from rawclean.batch.memory import with_fitting_tile
from rawclean.batch.outcome import Outcome, Watch
from rawclean.batch.plan import ALL_PHOTOS, DEFAULT_FOLDER, Job, Selection, plan_jobs
from rawclean.batch.resume import Redo, left_to_do
from rawclean.batch.run import Run, run_jobs
from rawclean.batch.supervisor import Limits
from rawclean.batch.watch import arriving_jobs
from rawclean.batch.workers import Workers, cluster_workers, local_workers
from rawclean.core.told import choice_of, seconds_of, value_told, whole_number_of
from rawclean.engines.pick import check_device
from rawclean.errors import UsageError, WorkerLostError
from rawclean.settings import DenoiseSettings

if TYPE_CHECKING:
    from rawclean.batch.forecast import Forecast


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What a user asks for; raises UsageError for what cannot be asked for."""

    folder: str
    """Of the photos; a path or URL."""
    out: str | None = None
    """Folder for the results, or its URL; None is `denoised` in the folder of the photos."""
    selection: Selection = ALL_PHOTOS
    settings: DenoiseSettings = field(default_factory=DenoiseSettings)
    redo: Redo = Redo.CHANGED
    max_memory: int | None = None
    """Bytes; None is half of the machine's."""
    timeout: float = 900.0
    """Seconds that a photo may take."""
    scheduler: str | None = None
    """Address of a Dask cluster that does the work."""
    report: Path | None = None
    """Where a page about the run is written."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "redo", value_told("redo", partial(choice_of, Redo), self.redo))
        object.__setattr__(self, "timeout", value_told("timeout", seconds_of, self.timeout))
        if self.max_memory is not None:
            limit = value_told("max_memory", partial(whole_number_of, 1), self.max_memory)
            object.__setattr__(self, "max_memory", limit)
        if self.report is not None:
            object.__setattr__(self, "report", Path(self.report))

    @property
    def output(self) -> str:
        """Folder of the results."""
        return self.out or storage.join(self.folder, DEFAULT_FOLDER)


def plan_batch(request: BatchRequest, note: storage.Note | None = None) -> list[Job]:
    """One job per photo; `note` is told of what may hold photos, and is left out.

    Raises what would fail every photo: UnreadablePhotoError for the folder, UsageError for names and devices,
    OutputError where the report cannot be written.
    """
    if not request.scheduler:
        check_device(request.settings.device)
    if request.report:
        from rawclean.batch.report import check_report  # noqa: PLC0415 (loads the templates)

        check_report(request.report)
        if storage.is_local(request.output) and storage.local_path(request.output).is_relative_to(request.report):
            raise UsageError(f"{request.report}: is the folder of the results; name a file for the report")
    return plan_jobs(request.folder, request.output, request.selection, note)


def watch_folder(request: BatchRequest) -> Iterator[Job | None]:
    """Jobs for the photos that are there and for those that come, without end; None whenever there is none now."""
    return arriving_jobs(request.folder, request.output, request.selection)


def run_batch(
    request: BatchRequest, jobs: Iterable[Job | None], follow: Watch | None = None
) -> Generator[Outcome, None, None]:
    """Denoise photos, and write the report, also where Ctrl-C or the caller ends it early.

    `follow` is told how photos get on. Raises OutputError for the journal, SchedulerError for the cluster, and
    TargetFullError where no result can be written any more.
    """
    settings = with_fitting_tile(request.settings, request.max_memory)
    with Journal(journal_path(request.output)) as journal, _workers(request) as workers:
        run = Run(settings, journal, workers, request.redo, request.max_memory, follow)
        try:
            yield from run_jobs(run, jobs, dict(storage.list_files(request.output)))
        except (KeyboardInterrupt, GeneratorExit):
            _write_report(request, journal, workers)
            raise
        _write_report(request, journal, workers)


def forecast_batch(request: BatchRequest, jobs: Iterable[Job]) -> "Iterator[Forecast]":
    """What a run would do; raises as `run_batch`. Nothing is written."""
    from rawclean.batch.forecast import Forecast, forecast  # noqa: PLC0415 (loads what denoises)

    results = dict(storage.list_files(request.output))
    with copied_journal(journal_path(request.output)) as journal, _workers(request) as workers:
        for job in jobs:
            task = left_to_do(job, results.get(job.name), request.settings, journal, request.redo)
            try:
                yield workers.executor.submit(forecast, task, request.settings).result()
            except WorkerLostError as error:
                yield Forecast(job, job.output, error=f"{job.source}: given up ({error})")


def _workers(request: BatchRequest) -> AbstractContextManager[Workers]:
    if request.scheduler:
        return cluster_workers(request.scheduler)
    return local_workers(Limits(seconds=request.timeout, memory=request.max_memory))


def _write_report(request: BatchRequest, journal: Journal, workers: Workers) -> None:
    if request.report:
        from rawclean.batch.report import write_report  # noqa: PLC0415 (loads the templates)

        write_report(request.report, request.output, journal.entries(), workers.executor)

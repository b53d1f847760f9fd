"""Jobs to outcomes, one after the other: the network uses all cores, so photos do not run side by side."""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rawclean.batch.plan import Job
from rawclean.errors import OutputError, RawcleanError
from rawclean.inference.denoise import Progress
from rawclean.pipeline import DenoiseReport, DenoiseSettings, denoise_file


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
    """Denoise one photo after the other; a bad one is an outcome, never the end of the run.

    `progress` follows the tiles of the photo at work.
    """
    for job in jobs:
        yield _run(job, settings, progress)


def _run(job: Job, settings: DenoiseSettings, progress: Progress | None) -> Outcome:
    if job.output.exists() and not settings.overwrite:
        return Outcome(job)
    try:
        _make_folder(job)
        return Outcome(job, report=denoise_file(job.source, job.output, settings, progress))
    except RawcleanError as error:
        return Outcome(job, error=str(error))
    except Exception:  # a bug met on one photo must not cost the user the thousand others; it is reported in full
        return Outcome(job, error=f"{job.source}: a bug in rawclean, please report it:\n{traceback.format_exc()}")


def _make_folder(job: Job) -> None:
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{job.output.parent}: cannot be made ({error.strerror or error})") from error

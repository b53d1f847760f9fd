"""One job: a photo by path or URL to a result and an outcome. This is what runs on the worker."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from rawclean.batch import storage
from rawclean.batch.memory import memory_budget
from rawclean.batch.plan import Job
from rawclean.errors import RawcleanError, TargetFullError
from rawclean.io.atomic import remove_leftovers
from rawclean.io.raw import count_samples
from rawclean.pipeline import DenoiseReport, DenoiseSettings, clean, finish, prepare


class Step(Enum):
    """What a photo is going through."""

    READ = "reading"
    NETWORK = "denoising"
    WRITE = "writing"


Watch = Callable[[Job, Step, float], None]
"""Called with a job, its step, and the share of the step that is done; may raise Stopped."""


class Stopped(BaseException):
    """Raised by a `Watch` to give up the photo, of which then nothing is left."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job: a report, an error, or a reason why there was nothing to do."""

    job: Job
    report: DenoiseReport | None = None
    error: str | None = None
    skipped: str | None = None
    digest: str | None = None
    """sha256 of the source, where it could be read."""
    fatal: bool = False
    """Whether the error would meet every other photo, too."""


def denoise_job(
    job: Job, settings: DenoiseSettings, max_memory: int | None = None, watch: Watch | None = None
) -> Outcome:
    """Denoise one photo; whatever is wrong with it is in the outcome.

    It waits until it fits into `max_memory` bytes beside the other photos of this process.
    """
    told = watch or (lambda job, step, share: None)
    digest = None
    try:
        told(job, Step.READ, 0.0)
        with storage.source_at_hand(job.source) as source, storage.result_at_hand(job.output) as output:
            remove_leftovers(output)
            digest = storage.digest(str(source))
            with memory_budget(max_memory, settings).hold(job.source, count_samples(source)):
                report = _denoised(job, source, output, replace(settings, overwrite=job.replace), told)
        return Outcome(job, replace(report, source=job.source, output=job.output), digest=digest)
    except RawcleanError as error:
        return Outcome(job, error=str(error), digest=digest, fatal=isinstance(error, TargetFullError))
    except Exception:  # a bug met on one photo must not cost the user the thousand others; it is reported in full
        return Outcome(job, error=f"{job.source}: a bug in rawclean, please report it:\n{traceback.format_exc()}")


def _denoised(job: Job, source: Path, output: Path, settings: DenoiseSettings, told: Watch) -> DenoiseReport:
    try:
        photo = prepare(source, output, settings)
        told(job, Step.NETWORK, 0.0)
        denoised = clean(photo, settings, lambda done, total: told(job, Step.NETWORK, done / (total or done)))
        told(job, Step.WRITE, 0.0)
        return finish(photo, denoised, settings)
    except RawcleanError as error:  # name the photo as the user did
        raise type(error)(str(error).replace(str(source), job.source).replace(str(output), job.output)) from error

"""One job: a photo by path or URL to a result and an outcome. This is what runs on the worker."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rawclean.batch import storage
from rawclean.batch.memory import memory_budget
from rawclean.batch.outcome import DENOISED, Outcome, Step, Watch
from rawclean.batch.plan import Job
from rawclean.errors import RawcleanError, TargetFullError
from rawclean.io.applied import is_denoised
from rawclean.io.atomic import remove_leftovers
from rawclean.io.raw import count_samples
from rawclean.io.tiff.metadata import known_metadata
from rawclean.pipeline import Prepared, clean, finish, prepare
from rawclean.settings import DenoiseSettings


def denoise_job(
    job: Job, settings: DenoiseSettings, max_memory: int | None = None, watch: Watch | None = None
) -> Outcome:
    """Denoise one photo; whatever is wrong with it is in the outcome.

    It waits until it fits into `max_memory` bytes beside the other photos of this process.
    """
    told = watch or (lambda job, step, share: None)
    try:
        told(job, Step.READ, 0.0)
        with storage.source_at_hand(job.source) as source:
            metadata = known_metadata(source)
            if is_denoised(source, metadata) and not job.denoised_too:
                return Outcome(job, skipped=DENOISED)
            with storage.result_at_hand(job.output) as output:
                remove_leftovers(output)
                samples = count_samples(source, metadata) if metadata else 0
                told(job, Step.WAIT, 0.0)
                with memory_budget(max_memory, settings).hold(job.source, samples), _named_by_user(job, source, output):
                    told(job, Step.READ, 0.0)
                    photo = prepare(source, output, replace(settings, overwrite=job.replace), metadata)
                    return _denoised(job, photo, settings, told)
    except RawcleanError as error:
        return Outcome(job, error=str(error), fatal=isinstance(error, TargetFullError))
    except MemoryError:
        return Outcome(job, error=f"{job.source}: does not fit into memory")
    except Exception as error:  # a bug met on one photo must not cost the user the thousand others
        told_as = f"{job.source}: a bug in rawclean ({type(error).__name__}), please report it"
        return Outcome(job, error=told_as, trace=traceback.format_exc())


def _denoised(job: Job, photo: Prepared, settings: DenoiseSettings, told: Watch) -> Outcome:
    digest = storage.digest(str(photo.raw.source))  # once it is known to be a photo: what is none may be of any size
    told(job, Step.WAIT, 0.0)
    denoised = clean(photo, settings, lambda done, total: told(job, Step.NETWORK, done / total))
    told(job, Step.WRITE, 0.0)
    report = finish(photo, denoised, settings)
    return Outcome(job, replace(report, source=job.source, output=job.output), digest=digest)


@contextmanager
def _named_by_user(job: Job, source: Path, output: Path) -> Iterator[None]:
    """Let errors name the photo as the user did."""
    try:
        yield
    except RawcleanError as error:
        raise type(error)(str(error).replace(str(source), job.source).replace(str(output), job.output)) from error

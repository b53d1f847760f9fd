"""What a run has to do: only what is missing, changed or failed, as journal and files tell."""

import json
from dataclasses import fields, replace
from enum import Enum

from rawclean.batch import storage
from rawclean.batch.journal import Entry, Journal, State
from rawclean.batch.outcome import EXISTS, Outcome
from rawclean.batch.plan import Job
from rawclean.core.noise import NoiseModel
from rawclean.core.printable import without_credentials
from rawclean.core.typed import plain
from rawclean.errors import RawcleanError
from rawclean.io.xmp import copy_sidecars
from rawclean.model_choice import model_for
from rawclean.models.manifest import find_model
from rawclean.settings import DenoiseSettings, ResultSettings


class Redo(Enum):
    """What to do again."""

    CHANGED = "changed"
    """What is missing, changed or failed."""
    FAILED = "failed"
    """Nothing but what failed."""
    ALL = "all"


SAME, FINISHED, NOT_FAILED = (
    "done before",
    "had just been finished when an earlier run ended",
    "did not fail before",
)


def settings_key(settings: DenoiseSettings) -> str:
    """Those of the settings that a result depends on."""
    told = plain(settings)
    return json.dumps({field.name: told[field.name] for field in fields(ResultSettings)})


def left_to_do(job: Job, there: str | None, settings: DenoiseSettings, journal: Journal, redo: Redo) -> Job | Outcome:
    """The job, told whether it replaces a result, or an outcome where there is nothing to do.

    `there` is the stamp of its result, None where there is none. What is found out on the way goes into the journal.
    """
    entry = journal.find(job.name)
    failed = entry is not None and entry.state is State.FAILED
    if redo is Redo.FAILED and not failed:
        return Outcome(job, skipped=NOT_FAILED)
    if redo is Redo.ALL or failed or there is None:
        return replace(job, replace=True, denoised_too=redo is Redo.ALL)
    if entry is None:
        return Outcome(job, skipped=EXISTS)
    if entry.settings != settings_key(settings) or entry.source != without_credentials(job.source):
        return replace(job, replace=True)
    reason = _done_before(job, there, entry, settings)
    if reason is None:
        return replace(job, replace=True)
    if entry.state is not State.DONE or entry.stamp != job.stamp:
        digest = entry.digest or storage.digest(job.source)  # one that is known has just been found the same
        journal.put(replace(entry, state=State.DONE, stamp=job.stamp, digest=digest))
    return Outcome(job, skipped=reason)


def _done_before(job: Job, there: str, entry: Entry, settings: DenoiseSettings) -> str | None:
    """Why a job with these settings need not be done again, None where it must."""
    if entry.state is State.BEGUN:  # results appear whole: one that was not there before is finished
        if entry.before == there or entry.stamp != job.stamp:
            return None
        _finish_sidecars(job, denoised=not settings.takes_nothing)
        return FINISHED
    same_size = storage.size_of(entry.stamp) == storage.size_of(job.stamp)
    same_photo = entry.stamp == job.stamp or (same_size and entry.digest == storage.digest(job.source))
    return SAME if same_photo and _model_is_current(entry, settings) else None


def _finish_sidecars(job: Job, *, denoised: bool) -> None:
    if storage.is_local(job.source) and storage.is_local(job.output) and job.output.endswith(".dng"):
        copy_sidecars(storage.local_path(job.source), storage.local_path(job.output), denoised=denoised)


def _model_is_current(entry: Entry, settings: DenoiseSettings) -> bool:
    """Whether the photo's noise would get the same weights today."""
    if entry.report is None:
        return True
    try:
        mosaic = find_model(entry.report.model).mosaic
        chosen = model_for(mosaic, NoiseModel.uniform(entry.report.shot, entry.report.read), settings)
    except RawcleanError:
        return False
    return chosen.sha256 == entry.report.model_sha256

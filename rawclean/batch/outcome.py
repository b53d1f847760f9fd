"""What a job goes through, and what becomes of it; known without what denoises, which only the worker needs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from rawclean.batch.plan import Job
from rawclean.denoise_report import DenoiseReport

DENOISED = "is denoised already; --force denoises it again"
EXISTS = "a result exists that no batch made; --force replaces it"


class Step(Enum):
    """What a photo is going through."""

    READ = "reading"
    WAIT = "waiting"
    """For memory, or for the network, which has one photo at a time."""
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
    trace: str | None = None
    """Of a bug in rawclean."""

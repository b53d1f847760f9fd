"""A folder that is being filled to jobs: each photo once it has stopped growing.

The folder is listed again and again: notifications of the file system do not reach across network drives, and would
not say when a file is complete either.
"""

import time
from collections.abc import Iterator

from rawclean.batch.plan import Job, Selection, plan_jobs

POLL_SECONDS = 0.5
SETTLED_SECONDS = 2.0
"""A photo that has been the same for so long is complete."""


def arriving_jobs(folder: str, output: str, selection: Selection) -> Iterator[Job | None]:
    """Jobs for the photos that are there and for those that come, without end; None whenever there is none now.

    A photo that changes later comes again.
    """
    since: dict[tuple[str, str], float] = {}
    taken: set[tuple[str, str]] = set()
    while True:
        now = time.monotonic()
        jobs = {(job.source, job.stamp): job for job in plan_jobs(folder, output, selection)}
        since = {photo: since.get(photo, now) for photo in jobs}
        for photo, job in jobs.items():
            if photo not in taken and now - since[photo] >= SETTLED_SECONDS:
                taken.add(photo)
                yield job
        yield None
        time.sleep(POLL_SECONDS)

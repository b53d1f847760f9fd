"""Who does the work: a process of this machine, or a Dask cluster."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rawclean.batch.supervisor import Limits, Supervisor
from rawclean.errors import SchedulerError

PHOTOS_AT_WORK = 3
"""One is read, one is in the network, one is written."""
QUEUE_PER_THREAD = 2
"""Jobs that a cluster holds per thread, so that none waits for the next."""
GPU = "GPU"
"""Name of the Dask resource of workers that have one."""


@dataclass(frozen=True, slots=True)
class Workers:
    """An executor for jobs."""

    executor: Executor
    width: Callable[[], int]
    """How many jobs to hand over before one of them has ended."""
    watched: bool
    """Whether jobs can be followed: a `watch` given to `submit` is told of their steps."""
    stop: Callable[[], None] = field(default=lambda: None)
    """Gives up the jobs that have begun, where that can be done."""


@contextmanager
def local_workers(limits: Limits, photos: int = PHOTOS_AT_WORK) -> Iterator[Workers]:
    """Threads of another process: while the network is at one photo, the next is read and the last is written."""
    with Supervisor(photos, limits) as executor:
        yield Workers(executor, lambda: photos, watched=True, stop=executor.stop)


@contextmanager
def cluster_workers(address: str) -> Iterator[Workers]:
    """The workers of an existing Dask cluster; where some offer the resource GPU, those alone.

    A job whose worker dies goes to another, until Dask's `distributed.scheduler.allowed-failures` have died of it.
    Raises SchedulerError where dask is not installed or the scheduler does not answer.
    """
    try:
        from distributed import Client  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise SchedulerError("--scheduler needs dask; install rawclean[cluster]") from error
    try:
        client: Any = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise SchedulerError(
            f"{address}: no Dask scheduler answers ({error}); start one with `dask scheduler`"
        ) from error
    with client:
        wanted: dict[str, Any] = {"resources": {GPU: 1}} if _gpus(client) else {}
        executor = client.get_executor(pure=False, **wanted)
        yield Workers(executor, lambda: QUEUE_PER_THREAD * max(1, _threads(client)), watched=False)


def _gpus(client: Any) -> bool:
    return any(worker["resources"].get(GPU) for worker in client.scheduler_info(n_workers=-1)["workers"].values())


def _threads(client: Any) -> int:
    return sum(client.nthreads().values())

"""Several processes on one run, as `torchrun` starts them: each draws its own batches, gradients are averaged.

torchrun and DistributedDataParallel do the work; here is only what the loop has to know.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed.nn  # here, as its functions hold on to a group that exists already, and gloo's threads with it
from torch import Tensor, distributed
from torch.nn.parallel import DistributedDataParallel

from rawclean.training.batch import Batch
from rawclean.training.lesson import Lesson

LEAVING = 0.3
"""Seconds in which all see the end of the last barrier: a connection that is closed before fails in the others."""


@dataclass(frozen=True, slots=True)
class Worker:
    """This process among those of the run."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0


@contextmanager
def joined_workers(device: torch.device) -> Iterator[Worker]:
    """Join the processes that torchrun started; alone where there are none."""
    if "WORLD_SIZE" not in os.environ:
        yield Worker()
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Worker(distributed.get_rank(), distributed.get_world_size())
        distributed.barrier()  # a process that leaves while another still writes aborts both
        time.sleep(LEAVING)
    finally:
        distributed.destroy_process_group()


def gathered(value: torch.Tensor, worker: Worker) -> list[torch.Tensor]:
    """The `value` of every process, by rank."""
    values: list[torch.Tensor] = [value] * worker.count
    if worker.count > 1:
        distributed.all_gather_object(values, value)
    return values


def shared_gradients(lesson: Lesson, worker: Worker) -> Callable[[Batch, float], Tensor]:
    """`lesson` as the loop calls it: its gradients are the average over all processes."""
    if worker.count == 1:
        return lesson
    parallel: Callable[[Batch, float], Tensor] = DistributedDataParallel(lesson)
    return parallel

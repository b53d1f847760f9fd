"""Whether a training fits into memory: asked before it begins, for a machine that runs short stalls before it fails."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psutil
import torch

from rawclean.errors import TrainingError
from rawclean.networks import build_network
from rawclean.training.config import TrainConfig

WEIGHT_BYTES = 5 * 4
"""Of a weight: itself, its average, gradient and momentum, and the step while it is computed."""
SAMPLE_BYTES = 16 * 4
"""Of a sample in a batch, at least: clean, noisy, told noise, guides, and the features of the smallest networks."""
_NO_MEMORY = re.compile("allocate|out of memory|overflow", re.IGNORECASE)


def check_memory(name: str, fields: Mapping[str, Any], config: TrainConfig) -> None:
    """Raise TrainingError where a network and the batches of a recipe need more memory than the machine has free."""
    with torch.device("meta"), enough_memory():
        weights = sum(parameter.numel() for parameter in build_network(name, fields).parameters())
    samples = max(stage.batch * stage.crop**2 for stage in config.stages)
    if weights * WEIGHT_BYTES + samples * SAMPLE_BYTES > psutil.virtual_memory().available:
        raise _too_large()


@contextmanager
def enough_memory() -> Iterator[None]:
    """Raise TrainingError for what torch raises where memory does not suffice."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _NO_MEMORY.search(str(error)):
            raise
        raise _too_large() from error


def _too_large() -> TrainingError:
    return TrainingError("memory does not suffice for this training; lower widths, blocks, batch or crop in its recipe")

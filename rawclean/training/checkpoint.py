"""The state of a training on disk: all that changes, and what the run was begun with."""

import io
import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rawclean.core.typed import plain
from rawclean.errors import TrainingError
from rawclean.io.atomic import write_atomically
from rawclean.models.files import file_sha256
from rawclean.networks import Network
from rawclean.training.config import TrainConfig
from rawclean.training.lesson import Lesson
from rawclean.training.optimizers import Optimizers
from rawclean.training.parallel import Worker, gathered

_UNREADABLE = RuntimeError, ValueError, TypeError, KeyError, AttributeError, EOFError, OSError, pickle.UnpicklingError


@dataclass(slots=True)
class TrainingState:
    """All that changes while training."""

    lesson: Lesson
    averaged: Network
    optimizers: Optimizers
    rng: torch.Generator
    step: int = 0

    @property
    def network(self) -> Network:
        """The student."""
        return self.lesson.network


def begun_with(config: TrainConfig, photos: str) -> dict[str, Any]:
    """What a run must be given again to go on: its recipe but for the steps, weight files by sha256, and `photos`.

    Raises TrainingError where a weight file is missing.
    """
    files = {name: _digest(getattr(config, name)) for name in ("start", "teacher")}
    given: dict[str, Any] = plain(config) | files | {"photos": photos}
    del given["steps"]
    return given


def save_checkpoint(path: Path, state: TrainingState, given: dict[str, Any], worker: Worker) -> None:
    """Replace the checkpoint `path` in one step; of several processes the leading one writes, with all generators.

    Raises OutputError where it cannot be written.
    """
    generators = gathered(state.rng.get_state(), worker)
    if not worker.leads:
        return
    content = {
        "begun_with": given,
        "step": state.step,
        "network": state.network.state_dict(),
        "averaged": state.averaged.state_dict(),
        "losses": state.lesson.losses.state_dict(),
        "optimizers": state.optimizers.state_dict(),
        "generators": generators,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, [buffer.getvalue()])


def restore_checkpoint(
    path: Path, state: TrainingState, given: dict[str, Any], device: torch.device, worker: Worker
) -> None:
    """Bring `state` to where the checkpoint `path` was saved.

    Raises TrainingError where it is damaged, or of a run that was begun with something else than `given`.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # a guess at what a foreign file may be
            content = torch.load(path, map_location=device, weights_only=True)
        theirs, generators = content.get("begun_with", {}), content["generators"]  # older checkpoints do not tell
    except _UNREADABLE as error:
        raise TrainingError(f"{path}: damaged, or no checkpoint; remove it, or train in another folder") from error
    changed = [name for name in given if name in theirs and theirs[name] != given[name]]
    if len(generators) != worker.count:
        changed.append(f"number of processes ({len(generators)})")
    if changed:
        what = ", ".join(changed)
        raise TrainingError(f"{path}: the run was begun with another {what}; give it that, or train in another folder")
    try:
        state.network.load_state_dict(content["network"])
        state.averaged.load_state_dict(content["averaged"])
        state.lesson.losses.load_state_dict(content.get("losses", {}))  # older checkpoints have none that learn
        state.optimizers.load_state_dict(content["optimizers"])
        state.rng.set_state(generators[worker.rank].cpu())
        state.step = content["step"]
    except _UNREADABLE as error:
        raise TrainingError(f"{path}: is of another network or recipe; train in another folder") from error


def _digest(weights: str | None) -> str | None:
    if weights is None:
        return None
    path = Path(weights)
    if not path.is_file():
        raise TrainingError(f"{path}: no such weight file; name another")
    return file_sha256(path)

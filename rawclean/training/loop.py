"""The training loop: batches made on the device, Muon, cosine schedule, averaged weights, resumable checkpoints.

Given recipe, photos, seed, device kind and number of processes, a run is the same whether or not it was interrupted:
the checkpoint holds the state of every process's random generator too.
"""

import copy
import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rawclean.engines.device import pick_dtype
from rawclean.errors import TrainingError, TrainingStoppedError
from rawclean.io.atomic import failing_clearly, write_atomically
from rawclean.models.weights import load_network, save_weights
from rawclean.networks import Network, build_network, config_fields, network_config, network_name
from rawclean.networks.growth import grown
from rawclean.training.batch import Batch, Crops
from rawclean.training.checkpoint import TrainingState, begun_with, restore_checkpoint, save_checkpoint
from rawclean.training.config import TrainConfig
from rawclean.training.lesson import Lesson
from rawclean.training.losses.table import Classroom, weighted_losses
from rawclean.training.losses.teacher import FrozenTeacher
from rawclean.training.memory import check_memory, enough_memory
from rawclean.training.optimizers import Optimizers
from rawclean.training.parallel import Worker, gathered, joined_workers, shared_gradients
from rawclean.training.stopping import stop_wanted

CHECKPOINT_SECONDS = 120.0
LOG_EVERY = 200
GRADIENT_CLIP = 1.0
CHECKPOINT, LOG, WEIGHTS = "checkpoint.pt", "log.csv", "weights.safetensors"

Progress = Callable[[int, float], None]
"""Called with the step reached and the mean loss since the last call."""


@dataclass(frozen=True, slots=True)
class Session:
    """All that stays the same while training."""

    config: TrainConfig
    given: dict[str, Any]
    """What must be given again (`checkpoint.begun_with`)."""
    crops: Crops
    device: torch.device
    worker: Worker
    lesson: Callable[[Batch, float], Tensor]
    """That of the state, its gradients shared."""


def train(config: TrainConfig, crops: Crops, run: Path, device: torch.device, progress: Progress) -> Path:
    """Train in folder `run`, from its checkpoint where there is one; return the path of the averaged weights.

    Raises TrainingError where the checkpoint is of another run, crops do not fit or training diverges, ModelError for a
    bad weight file, OutputError where the folder cannot be written, and, once all is saved, TrainingStoppedError where
    a signal asks for it.
    """
    run.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)  # to these the momenta of dead channels fade, and computing with them is slow
    given = begun_with(config, crops.origin)
    with joined_workers(device) as worker, stop_wanted() as stopped, enough_memory():
        state = _new_state(config, device, worker)
        if (run / CHECKPOINT).exists():
            restore_checkpoint(run / CHECKPOINT, state, given, device, worker)
            if worker.leads:
                _forget_lost_steps(run / LOG, state.step)
        session = Session(config, given, crops, device, worker, shared_gradients(state.lesson, worker))
        _run_steps(state, session, run, progress, stopped)
        _save(state, session, run)
        del session  # its hold on the group of processes: whoever lets go last waits for threads, which wait for Python
    if state.step < config.steps:
        raise TrainingStoppedError(f"stopped after step {state.step} of {config.steps}; the same command goes on there")
    return run / WEIGHTS


def _run_steps(
    state: TrainingState, session: Session, run: Path, progress: Progress, stopped: Callable[[], bool]
) -> None:
    """Take all steps that are left, or those up to when it is to be stopped."""
    saved, total, since = time.monotonic(), 0.0, state.step
    while state.step < session.config.steps:
        total += _step(state, session)
        if state.step % LOG_EVERY == 0 or state.step == session.config.steps:
            mean = total / (state.step - since)
            if session.worker.leads:
                _log(run / LOG, state.step, mean, _learning_rate(session.config, state.step))
                progress(state.step, mean)
            total, since = 0.0, state.step
        ends, is_due = _agreed([stopped(), time.monotonic() - saved > CHECKPOINT_SECONDS], session.worker)
        if ends:
            return
        if is_due:
            _save(state, session, run)
            saved = time.monotonic()


def _agreed(wishes: list[bool], worker: Worker) -> list[bool]:
    """What any process wishes: all do it after the same step."""
    return torch.stack(gathered(torch.tensor(wishes), worker)).any(0).tolist()


def _new_state(config: TrainConfig, device: torch.device, worker: Worker) -> TrainingState:
    torch.manual_seed(config.seed)
    network = _first_network(config).to(device)
    averaged = copy.deepcopy(network).requires_grad_(False)
    room = Classroom(config.losses, network, averaged, _teacher(config, network, device))
    _check_crops(config, network)
    lesson = Lesson(network, weighted_losses(room)).to(device)
    optimizers = Optimizers(lesson, config.optimizer, config.learning_rate, config.weight_decay)
    rng = torch.Generator().manual_seed(config.seed + (worker.rank << 32))
    return TrainingState(lesson, averaged, optimizers, rng)


def _check_crops(config: TrainConfig, network: Network) -> None:
    step = network.multiple_of * math.isqrt(network.mosaic.planes)
    for stage in config.stages:
        if stage.crop % step:
            raise TrainingError(f"crops of {stage.crop} do not fit this network; take a multiple of {step}")


def _teacher(config: TrainConfig, student: Network, device: torch.device) -> FrozenTeacher | None:
    if not config.losses.needs_teacher:
        return None
    return FrozenTeacher.load(Path(config.teacher or ""), student, device)


def _step(state: TrainingState, session: Session) -> float:
    config = session.config
    stage = config.stage_at(state.step)
    loss = _loss(session, state, stage.batch, stage.crop)
    state.optimizers.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    length = torch.nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_CLIP)
    if not (loss.isfinite() and length.isfinite()):  # before it spoils the weights, which are still good
        raise TrainingError(f"the training diverges after step {state.step}; lower the recipe's learning_rate")
    state.optimizers.step(_learning_rate(config, state.step))
    state.step += 1
    _average(state, min(config.ema, state.step / (state.step + 10)))
    return float(loss.detach())


def _loss(session: Session, state: TrainingState, count: int, crop: int) -> Tensor:
    batch = session.crops.draw(count, crop, state.rng)
    dtype = pick_dtype(session.config.precision, session.device)
    with torch.autocast(session.device.type, dtype, enabled=dtype != torch.float32):
        return session.lesson(batch, state.step / session.config.steps)


@torch.no_grad()
def _average(state: TrainingState, decay: float) -> None:
    for averaged, current in zip(state.averaged.parameters(), state.network.parameters(), strict=True):
        averaged.lerp_(current, 1 - decay)


def _first_network(config: TrainConfig) -> Network:
    """A new network, or that of the weight file, grown to what the recipe's `network_config` says of its shape."""
    if config.start is None:
        check_memory(config.network, config.network_config, config)
        return build_network(config.network, config.network_config)
    path = Path(config.start)
    network = load_network(path)
    if network.mosaic is not config.synthesis.mosaic:
        raise TrainingError(f"{path}: is for {network.mosaic.value}; say so in [network_config] of the recipe")
    try:
        name, fields = network_name(network), config_fields(network) | config.network_config
        wanted = network_config(name, fields)
        check_memory(name, fields, config)
        if wanted != network.config:
            network = grown(network, wanted)
    except ValueError as error:
        raise TrainingError(f"{path}: {error}; see [network_config] of the recipe") from error
    return network.train()


def _learning_rate(config: TrainConfig, step: int) -> float:
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.5 + 0.5 * math.cos(math.pi * min(1.0, share))) + 1e-6


def _save(state: TrainingState, session: Session, run: Path) -> None:
    """Write the checkpoint and the averaged weights; each replaces its predecessor in one step."""
    save_checkpoint(run / CHECKPOINT, state, session.given, session.worker)
    if session.worker.leads:
        save_weights(run / WEIGHTS, network_name(state.averaged), state.averaged.published())


def _forget_lost_steps(log: Path, step: int) -> None:
    """Leave out of the log what was done after the checkpoint at `step`, and will be done again."""
    if log.exists():
        rows = list(csv.reader(log.read_text(encoding="utf-8").splitlines()))
        kept = [row for row in rows if row and not (row[0].isdecimal() and int(row[0]) > step)]
        write_atomically(log, ["".join(f"{','.join(row)}\r\n" for row in kept).encode()])


def _log(path: Path, step: int, loss: float, learning_rate: float) -> None:
    new = not path.exists()
    with failing_clearly(path), path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["step", "loss", "learning_rate", "time"])
        writer.writerow([step, f"{loss:.5f}", f"{learning_rate:.3e}", f"{time.time():.0f}"])

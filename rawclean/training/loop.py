"""The training loop: batches made on the device, AdamW, cosine schedule, averaged weights, resumable checkpoints.

Given recipe, photos, seed and device kind, a run is the same whether or not it was interrupted: the checkpoint holds
the state of the data's random generator too.
"""

import copy
import csv
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rawclean.core.noise import NoiseModel
from rawclean.errors import TrainingError
from rawclean.models.weights import save_weights
from rawclean.networks import Network, build_network
from rawclean.networks.contract import predict_noise
from rawclean.training.config import TrainConfig
from rawclean.training.dataset import Batch, PhotoCrops
from rawclean.training.losses.relative_error import relative_log_error

CHECKPOINT_SECONDS = 120.0
LOG_EVERY = 200
GRADIENT_CLIP = 1.0

Progress = Callable[[int, float], None]
"""Called with the step reached and the mean loss since the last call."""


@dataclass(slots=True)
class TrainingState:
    """All that changes while training."""

    network: Network
    averaged: Network
    optimizer: torch.optim.Optimizer
    rng: torch.Generator
    step: int = 0


def train(config: TrainConfig, crops: PhotoCrops, run: Path, device: torch.device, progress: Progress) -> Path:
    """Train in folder `run`, from its checkpoint where there is one; return the path of the averaged weights."""
    run.mkdir(parents=True, exist_ok=True)
    state = _new_state(config, device)
    checkpoint = run / "checkpoint.pt"
    if checkpoint.exists():
        _restore(state, checkpoint, device)
    saved, total, since = time.monotonic(), 0.0, state.step
    while state.step < config.steps:
        total += _step(state, config, crops, device)
        if state.step % LOG_EVERY == 0 or state.step == config.steps:
            mean = total / (state.step - since)
            _log(run / "log.csv", state.step, mean, _learning_rate(config, state.step))
            progress(state.step, mean)
            total, since = 0.0, state.step
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            _save(state, config, run)
            saved = time.monotonic()
    return _save(state, config, run)


def _new_state(config: TrainConfig, device: torch.device) -> TrainingState:
    torch.manual_seed(config.seed)
    network = build_network(config.network, config.network_config).to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
    )
    rng = torch.Generator().manual_seed(config.seed)
    return TrainingState(network, copy.deepcopy(network), optimizer, rng)


def _step(state: TrainingState, config: TrainConfig, crops: PhotoCrops, device: torch.device) -> float:
    stage = config.stage_at(state.step)
    for group in state.optimizer.param_groups:
        group["lr"] = _learning_rate(config, state.step)
    loss = _loss(state.network, crops.draw(stage.batch, stage.crop, state.rng), config, device)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_CLIP)
    state.optimizer.step()
    state.step += 1
    _average(state, min(config.ema, state.step / (state.step + 10)))
    return float(loss.detach())


def _loss(network: Network, batch: Batch, config: TrainConfig, device: torch.device) -> Tensor:
    noise: NoiseModel = batch.noise
    with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
        removed = predict_noise(network, batch.noisy, noise.sigma_map(batch.noisy))
    denoised = batch.noisy - removed
    return relative_log_error(denoised, batch.clean, noise.variance(batch.clean))


@torch.no_grad()
def _average(state: TrainingState, decay: float) -> None:
    for averaged, current in zip(state.averaged.parameters(), state.network.parameters(), strict=True):
        averaged.lerp_(current, 1 - decay)


def _learning_rate(config: TrainConfig, step: int) -> float:
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.5 + 0.5 * math.cos(math.pi * min(1.0, share))) + 1e-6


def _save(state: TrainingState, config: TrainConfig, run: Path) -> Path:
    """Write the checkpoint and the averaged weights; each replaces its predecessor in one step."""
    content = {
        "config": dataclasses.asdict(config),
        "step": state.step,
        "network": state.network.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "rng": state.rng.get_state(),
    }
    torch.save(content, run / "checkpoint.tmp")
    (run / "checkpoint.tmp").replace(run / "checkpoint.pt")
    weights = run / "weights.safetensors"
    save_weights(run / "weights.tmp", config.network, state.averaged)
    (run / "weights.tmp").replace(weights)
    return weights


def _restore(state: TrainingState, checkpoint: Path, device: torch.device) -> None:
    try:
        content = torch.load(checkpoint, map_location=device, weights_only=True)
        state.network.load_state_dict(content["network"])
        state.averaged.load_state_dict(content["averaged"])
        state.optimizer.load_state_dict(content["optimizer"])
        state.rng.set_state(content["rng"].cpu())
        state.step = content["step"]
    except (RuntimeError, KeyError, ValueError, OSError) as error:
        raise TrainingError(f"{checkpoint}: does not fit this recipe ({error}); train in another folder") from error


def _log(path: Path, step: int, loss: float, learning_rate: float) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["step", "loss", "learning_rate", "time"])
        writer.writerow([step, f"{loss:.5f}", f"{learning_rate:.3e}", f"{time.time():.0f}"])

"""Train the noise meter: crops with every effect of sensors, and the noise that is in them as the answer."""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.mosaics import Mosaic
from rawclean.core.noise_patches import LEAST_SCALE, SIDE, scaled
from rawclean.models.instruments import save_instrument
from rawclean.networks.noise_meter import NoiseMeter
from rawclean.training.batch import Batch
from rawclean.training.dataset import PhotoCrops

CROPS, CROP_SIDE = 24, 4 * SIDE
LEARNING_RATE = 2e-3
OUTLIER = 5.0
"""Standard deviations beyond which a difference is a defect of a site and not noise."""
CORRELATION_WEIGHT = 2.0
LOG_EVERY = 200


def train_meter(crops: PhotoCrops, out: Path, steps: int, seed: int, progress: Callable[[int, float], None]) -> Path:
    """Train for `steps` and write the weights to `out`; return it.

    Raises TrainingError where the photos are too small.
    """
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    bayer = crops.through(Mosaic.BAYER)  # a meter looks at four planes
    meter = NoiseMeter()
    optimizer = torch.optim.AdamW(meter.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, step / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
    )
    total = 0.0
    for step in range(1, steps + 1):
        loss = _loss(meter, bayer.draw(CROPS, CROP_SIDE, rng))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(meter.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += float(loss.detach())
        if step % LOG_EVERY == 0 or step == steps:
            progress(step, total / ((step - 1) % LOG_EVERY + 1))
            total = 0.0
    save_instrument(out, meter)
    return out


def _loss(meter: NoiseMeter, batch: Batch) -> Tensor:
    """Negative log likelihood of the true log sigma of every piece and plane, and the error of the correlation."""
    images = torch.cat([batch.noisy, batch.clean, batch.noise.variance(batch.clean).sqrt()], dim=1)
    pieces = images.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE)
    noisy, clean, sigma = pieces.movedim(1, 3).flatten(0, 2).chunk(3, dim=1)
    patches = scaled(noisy)
    kept = patches.scale.amin(1) > LEAST_SCALE
    patches = patches[kept]
    ratio, log_sd, correlation = meter(patches.values)
    noise = (noisy - clean)[kept].clamp(-OUTLIER * sigma[kept], OUTLIER * sigma[kept])
    noise = noise - noise.mean((2, 3), keepdim=True)
    power = noise.square().mean((2, 3))
    error = ratio + patches.scale.log() - power.clamp(min=1e-14).sqrt().log()
    likelihood = log_sd + 0.5 * (error / log_sd.exp()).square()
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean((2, 3)) + (noise[..., 1:, :] * noise[..., :-1, :]).mean((2, 3))
    true_correlation = (neighbours / (2 * power.clamp(min=1e-14))).mean(1)
    loss: Tensor = likelihood.mean() + CORRELATION_WEIGHT * functional.mse_loss(correlation, true_correlation)
    return loss

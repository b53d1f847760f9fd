"""Train the noise meter: crops with every effect of sensors, and the noise that is in them as the answer."""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.layout import one_of_each
from rawclean.core.noise_patches import LEAST_SCALE, SIDE, scaled
from rawclean.models.weights import save_instrument
from rawclean.networks.noise_meter import NoiseMeter
from rawclean.training.batch import Batch
from rawclean.training.dataset import PhotoCrops

CROPS = 24
CROP_SIDES = {CfaFamily.BAYER: 4 * SIDE, CfaFamily.XTRANS: 6 * SIDE}
"""Two pieces high and wide, in samples of the mosaic."""
LEARNING_RATE = 2e-3
OUTLIER = 5.0
"""Standard deviations beyond which a difference is a defect of a site and not noise."""
CORRELATION_WEIGHT = 2.0
LOG_EVERY = 200


def train_meter(crops: PhotoCrops, out: Path, steps: int, seed: int, progress: Callable[[int, float], None]) -> Path:
    """Train for `steps` on the mosaic of `crops` and write the weights to `out`; return it.

    Samples of one plane lie further apart in X-Trans, so that texture looks more like noise there: each mosaic has a
    meter of its own. Raises TrainingError where the photos are too small.
    """
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    side = CROP_SIDES[crops.mosaic]
    meter = NoiseMeter()
    optimizer = torch.optim.AdamW(meter.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, step / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
    )
    total = 0.0
    for step in range(1, steps + 1):
        loss = _loss(meter, crops.draw(CROPS, side, rng))
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
    noisy, clean, sigma = map(_pieces, (batch.noisy, batch.clean, batch.noise.variance(batch.clean).sqrt()))
    patches = scaled(noisy.cpu().numpy())
    values, scale = (torch.from_numpy(each).to(noisy) for each in (patches.values, patches.scale))
    kept = scale.amin(1) > LEAST_SCALE
    ratio, log_sd, correlation = meter(values[kept])
    noise = (noisy - clean)[kept].clamp(-OUTLIER * sigma[kept], OUTLIER * sigma[kept])
    noise = noise - noise.mean((2, 3), keepdim=True)
    power = noise.square().mean((2, 3))
    error = ratio + scale[kept].log() - power.clamp(min=1e-14).sqrt().log()
    likelihood = log_sd + 0.5 * (error / log_sd.exp()).square()
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean((2, 3)) + (noise[..., 1:, :] * noise[..., :-1, :]).mean((2, 3))
    true_correlation = (neighbours / (2 * power.clamp(min=1e-14))).mean(1)
    loss: Tensor = likelihood.mean() + CORRELATION_WEIGHT * functional.mse_loss(correlation, true_correlation)
    return loss


def _pieces(planes: Tensor) -> Tensor:
    """Pieces (N, 4, SIDE, SIDE) of the planes (B, planes, H, W) of a mosaic."""
    four = one_of_each(planes.movedim(1, 0)).movedim(0, 1)
    return four.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE).movedim(1, 3).flatten(0, 2)

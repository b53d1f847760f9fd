"""Train the judge of bad pixels: photos with noise and small lights, half of them with hot and dead sites put in."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.layout import Layout, noise_of_colours, packed_layout
from rawclean.core.noise import NoiseModel
from rawclean.core.suspect_sites import find_suspects
from rawclean.models.weights import save_instrument
from rawclean.networks.site_judge import SiteJudge
from rawclean.synthesis.faults import Exposure, hot
from rawclean.synthesis.lights import small_lights
from rawclean.training.dataset import PhotoCrops

CROPS, CROP_SIDE = 4, 288
FAULTY_CROPS, LEAST_CHANGE = 0.5, 3.0
"""Share of the crops with bad sites; standard deviations below which one is not asked about."""
FITTING_STEPS, FITTING_BATCH, LEARNING_RATE = 8000, 2048, 3e-3
LOG_EVERY = 50


@dataclass(frozen=True, slots=True)
class Examples:
    """What was seen of N suspects."""

    features: Tensor
    """(N, FEATURES)."""
    is_bad: Tensor
    """(N,)."""


def train_judge(crops: PhotoCrops, out: Path, steps: int, seed: int, progress: Callable[[int, float], None]) -> Path:
    """Collect suspects from `steps` batches of every mosaic, fit the judge, and write it to `out`; return it.

    `progress` is called with the suspects so far. Raises TrainingError where the photos are too small.
    """
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    mosaics = [crops.through(mosaic) for mosaic in CfaFamily]
    examples: list[Examples] = []
    for step in range(1, steps + 1):
        examples += [each for drawing in mosaics for each in _draw(drawing, rng)]
        if step % LOG_EVERY == 0 or step == steps:
            progress(step, float(sum(len(each.features) for each in examples)))
    judge = _fit(_joined(examples), rng)
    save_instrument(out, judge)
    return out


def _draw(crops: PhotoCrops, rng: torch.Generator) -> list[Examples]:
    batch = crops.draw(CROPS, CROP_SIDE, rng)
    mosaic = CfaFamily.of_planes(batch.clean.shape[1])
    lights = small_lights(CROPS, (CROP_SIDE, CROP_SIDE), mosaic, rng)
    twinkle = (batch.noise.shot[..., None, None] * lights).sqrt() * torch.randn(lights.shape, generator=rng)
    sound = (batch.noisy + lights + twinkle).clamp(max=1)
    is_faulty = torch.rand((CROPS, 1, 1, 1), generator=rng) < FAULTY_CROPS
    faulty = hot(Exposure(batch.clean, sound, batch.noise), rng).noisy
    seen = torch.where(is_faulty, faulty, sound)
    change = (seen - sound).abs() / batch.noise.variance(sound).sqrt()
    told = [NoiseModel(*fields) for fields in zip(batch.told.shot, batch.told.read, strict=True)]
    return [_examples(packed_layout(mosaic), *crop) for crop in zip(seen, change, told, strict=True)]


def _examples(layout: Layout, seen: Tensor, change: Tensor, told: NoiseModel) -> Examples:
    """Suspects of one crop; `change` is what was done to the planes `seen`, in standard deviations of the noise.

    `told` is that of the planes.
    """
    size = (CROP_SIDE, CROP_SIDE)
    signal, heights = (layout.unpack(each.numpy(), size) for each in (seen, change))
    suspects = find_suspects(signal, layout, noise_of_colours(told.mapped(Tensor.numpy)))
    changed = heights[suspects.places[:, 0], suspects.places[:, 1]]
    asked = (changed == 0) | (changed > LEAST_CHANGE)
    return Examples(torch.from_numpy(suspects.features[asked]), torch.from_numpy(changed[asked] > 0))


def _joined(parts: Sequence[Examples]) -> Examples:
    return Examples(torch.cat([part.features for part in parts]), torch.cat([part.is_bad for part in parts]))


def _fit(examples: Examples, rng: torch.Generator) -> SiteJudge:
    judge = SiteJudge()
    judge.mean.copy_(examples.features.mean(0))
    judge.deviation.copy_(examples.features.std(0) + 1e-6)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / FITTING_STEPS)
    )
    target = examples.is_bad.float()
    for _ in range(FITTING_STEPS):
        index = torch.randint(len(target), (FITTING_BATCH,), generator=rng)
        loss = functional.binary_cross_entropy_with_logits(judge(examples.features[index]), target[index])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return judge

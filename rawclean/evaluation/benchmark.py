"""Denoisers x noise levels -> mean raw PSNR over photos, and how well the noise is estimated blindly."""

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rawclean.core.noise import NoiseModel
from rawclean.core.noise_estimation import estimate_noise
from rawclean.evaluation.metrics import raw_psnr
from rawclean.evaluation.scenes import SHOT_LEVELS, read_scenes

Denoiser = Callable[[Tensor, NoiseModel], Tensor]
"""Linear planes (4, H, W) and their noise to clean planes."""

ESTIMATE_TOLERANCE = 0.15
NO_FLOOR = -math.inf
"""The protocol's noise is not clipped at black."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Results over all photos of a folder."""

    photos: int
    shots: tuple[float, ...]
    psnr: dict[str, tuple[float, ...]]
    """Mean dB per level, by denoiser; `noisy` is the input."""
    sigma_ratio: tuple[float, ...]
    """Median of estimated over true sigma at 18 % signal, per level."""
    sigma_within: tuple[float, ...]
    """Share of the photos whose sigma is estimated within 15 %, per level."""


def run_benchmark(
    folder: Path, denoisers: Mapping[str, Denoiser], limit: int | None, progress: Callable[[], None]
) -> Benchmark:
    """Measure every denoiser on every photo and level; `progress` is called after each photo."""
    scores: dict[str, list[list[float]]] = {name: [[] for _ in SHOT_LEVELS] for name in ("noisy", *denoisers)}
    ratios: list[list[float]] = [[] for _ in SHOT_LEVELS]
    photos = 0
    for scene in read_scenes(folder, limit):
        for level, shot in enumerate(SHOT_LEVELS):
            noisy, noise = scene.noisy(shot)
            scores["noisy"][level].append(raw_psnr(noisy, scene.clean))
            ratios[level].append(estimate_noise(noisy, NO_FLOOR).sigma_at() / noise.sigma_at())
            for name, denoiser in denoisers.items():
                scores[name][level].append(raw_psnr(denoiser(noisy, noise), scene.clean))
        photos += 1
        progress()
    return Benchmark(
        photos=photos,
        shots=SHOT_LEVELS,
        psnr={name: tuple(map(statistics.fmean, levels)) for name, levels in scores.items()},
        sigma_ratio=tuple(map(statistics.median, ratios)),
        sigma_within=tuple(
            statistics.fmean(abs(ratio - 1) <= ESTIMATE_TOLERANCE for ratio in level) for level in ratios
        ),
    )


def to_markdown(result: Benchmark) -> str:
    """The result as a table."""
    head = ["shot", *(f"{shot:g}" for shot in result.shots), "mean"]
    rows = [[name, *(f"{value:.2f}" for value in (*row, statistics.fmean(row)))] for name, row in result.psnr.items()]
    rows.append(["estimated / true sigma", *(f"{ratio:.2f}" for ratio in result.sigma_ratio), ""])
    rows.append(["sigma within 15 %", *(f"{share:.0%}" for share in result.sigma_within), ""])
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

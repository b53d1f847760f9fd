"""Denoisers x noise levels -> mean quality over photos, and how well the noise is estimated blindly."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawclean.core.bayer import pack_rggb, unpack_rggb
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.layout import one_of_each
from rawclean.core.noise import NoiseModel
from rawclean.evaluation.datasets import Block
from rawclean.evaluation.metrics import raw_psnr, raw_ssim
from rawclean.evaluation.scenes import SHOT_LEVELS, Scene, read_scenes
from rawclean.noise_source import blind_noise

Denoiser = Callable[[np.ndarray, NoiseModel], np.ndarray]
"""Linear planes (4, H, W) and their noise to clean planes."""

ESTIMATE_TOLERANCE = 0.15


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean over photos at one noise level."""

    raw_psnr: float
    """dB."""
    raw_ssim: float
    srgb_psnr: float | None
    """dB, after a simple development; None where the camera's colours are not known."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Results over all photos of a folder."""

    photos: int
    levels: tuple[str, ...]
    quality: dict[str, tuple[Quality, ...]]
    """Per level, by denoiser; `noisy` is the input."""
    sigma_ratio: tuple[float, ...] = ()
    """Median of estimated over true sigma at 18 % signal, per level, where the truth is known."""
    sigma_within: tuple[float, ...] = ()
    """Share of the photos whose sigma is estimated within 15 %, per level."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What clean photos go through."""

    shots: tuple[float, ...] = SHOT_LEVELS
    """Levels of shot noise."""
    mosaic: CfaFamily = CfaFamily.BAYER
    limit: int | None = None
    """Use the first photos only."""


def run_benchmark(
    folder: Path, denoisers: Mapping[str, Denoiser], protocol: Protocol, progress: Callable[[], None]
) -> Benchmark:
    """Measure every denoiser on every photo and level of simulated noise; `progress` is called after each photo."""
    found: dict[str, list[list[Quality]]] = {name: [[] for _ in protocol.shots] for name in ("noisy", *denoisers)}
    ratios: list[list[float]] = [[] for _ in protocol.shots]
    photos = 0
    for scene in read_scenes(folder, protocol.limit, protocol.mosaic):
        for level, shot in enumerate(protocol.shots):
            noisy, noise = scene.noisy(shot)
            ratios[level].append(blind_noise(one_of_each(noisy), mosaic=protocol.mosaic).sigma_at() / noise.sigma_at())
            found["noisy"][level].append(_scene_quality(noisy, scene))
            for name, denoiser in denoisers.items():
                found[name][level].append(_scene_quality(denoiser(noisy, noise), scene))
        photos += 1
        progress()
    return Benchmark(
        photos=photos,
        levels=tuple(f"{shot:g}" for shot in protocol.shots),
        quality={name: tuple(map(_mean, levels)) for name, levels in found.items()},
        sigma_ratio=tuple(map(statistics.median, ratios)),
        sigma_within=tuple(
            statistics.fmean(abs(ratio - 1) <= ESTIMATE_TOLERANCE for ratio in level) for level in ratios
        ),
    )


def run_on_blocks(
    blocks: Iterable[Block], denoisers: Mapping[str, Denoiser], progress: Callable[[], None]
) -> tuple[Benchmark, dict[str, dict[str, np.ndarray]]]:
    """Measure every denoiser on mosaics of real noise; also return the results that have no clean one to compare."""
    found: dict[str, list[Quality]] = {name: [] for name in ("noisy", *denoisers)}
    unjudged: dict[str, dict[str, np.ndarray]] = {name: {} for name in denoisers}
    count = 0
    for block in blocks:
        noisy = pack_rggb(block.noisy, block.pattern)
        noise = block.noise or blind_noise(noisy, 0.0)
        _judge(found["noisy"], block.noisy, block)
        for name, denoiser in denoisers.items():
            denoised = unpack_rggb(denoiser(noisy, noise), block.pattern, (block.noisy.shape[0], block.noisy.shape[1]))
            _judge(found[name], denoised, block)
            if block.clean is None:
                unjudged[name][block.name] = denoised.clip(0, 1)
        count += 1
        progress()
    judged: dict[str, tuple[Quality, ...]] = {name: (_mean(values),) for name, values in found.items() if values}
    return Benchmark(count, ("real noise",), judged), unjudged


def to_markdown(result: Benchmark) -> str:
    """The result as tables, one per measure."""
    quality = result.quality.items()
    developed = {name: [level.srgb_psnr for level in row if level.srgb_psnr] for name, row in quality}
    measures = (
        ("raw PSNR, dB", 2, {name: [level.raw_psnr for level in row] for name, row in quality}),
        ("raw SSIM", 4, {name: [level.raw_ssim for level in row] for name, row in quality}),
        ("sRGB PSNR, dB", 2, developed),
    )
    parts = [_table(title, result, rows, digits) for title, digits, rows in measures if all(rows.values())]
    if result.sigma_ratio:
        rows = [
            ["estimated / true sigma, median", *(f"{ratio:.2f}" for ratio in result.sigma_ratio)],
            ["photos within 15 %", *(f"{share:.0%}" for share in result.sigma_within)],
        ]
        parts.append(markdown_lines([["noise estimate, shot", *result.levels], *rows]))
    return "\n\n".join(parts)


def _scene_quality(planes: np.ndarray, scene: Scene) -> Quality:
    bayer = scene.mosaic is CfaFamily.BAYER
    developed = raw_psnr(scene.srgb(planes), scene.srgb(scene.clean)) if bayer else None
    return Quality(raw_psnr(planes, scene.clean), raw_ssim(planes, scene.clean), developed)


def _judge(found: list[Quality], mosaic: np.ndarray, block: Block) -> None:
    if block.clean is not None:
        planes, clean = (pack_rggb(image, block.pattern) for image in (mosaic, block.clean))
        found.append(Quality(raw_psnr(mosaic, block.clean), raw_ssim(planes, clean), None))


def _mean(values: list[Quality]) -> Quality:
    developed = [value.srgb_psnr for value in values if value.srgb_psnr is not None]
    return Quality(
        statistics.fmean(value.raw_psnr for value in values),
        statistics.fmean(value.raw_ssim for value in values),
        statistics.fmean(developed) if developed else None,
    )


def _table(title: str, result: Benchmark, rows: Mapping[str, list[float]], digits: int) -> str:
    head = [f"{title}; shot" if len(result.levels) > 1 else title, *result.levels, "mean"]
    body = [[name, *(f"{value:.{digits}f}" for value in (*row, statistics.fmean(row)))] for name, row in rows.items()]
    return markdown_lines([head, *body])


def markdown_lines(rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row is its head."""
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body))

"""What wrong noise and faulty sensors cost: PSNR on photos with one fault each, and with the noise told wrongly.

A denoiser here is the product's whole chain on the linear planes of a mosaic, so that what precedes the network counts.
It is told the true shot and read noise, or that with sigma off by a factor, or nothing (blind).
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rawclean.core.bad_pixels import repaired
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.layout import Layout, noise_of_colours, noise_of_planes, one_of_each, packed_layout, plane_clip
from rawclean.core.line_offsets import find_line_offsets, without_line_offsets
from rawclean.core.noise import NoiseModel
from rawclean.evaluation.benchmark import Denoiser, Protocol, markdown_lines
from rawclean.evaluation.metrics import raw_psnr
from rawclean.evaluation.scenes import ReadLine, Scene, read_scenes
from rawclean.instruments.bad_pixels import with_found_sites
from rawclean.instruments.measured_noise import measure_noise
from rawclean.instruments.noise_meter import shipped_meter
from rawclean.noise_source import weighed
from rawclean.synthesis.faults import FAULTS, Exposure

Chain = Callable[[np.ndarray, NoiseModel | None], np.ndarray]
"""Linear planes (P, H, W) and the noise of these planes, fields (P,), to clean planes; None has it estimated."""

NO_FLOOR = -math.inf
"""The protocol's noise is not clipped at black."""
FACTORS = (0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.25, 1.3, 1.5)
"""Told over true sigma."""
FAULT_SHOTS = (1.6e-3, 6.4e-3)
"""Levels of shot noise that faults are measured at."""


@dataclass(frozen=True, slots=True)
class FaultScore:
    """Mean raw PSNR in dB with one fault, over photos and levels."""

    noisy: float
    told: float
    """With the true shot and read noise given."""
    blind: float
    told_left: float | None
    """Where the fault raises single sites: share of that height which is still there."""
    blind_left: float | None


@dataclass(frozen=True, slots=True)
class ToldScore:
    """Mean raw PSNR in dB over photos at one level of noise."""

    read: ReadLine
    shot: float
    noisy: float
    told: tuple[float, ...]
    """By told over true sigma."""
    blind: float
    worst_loss: float
    """Told the truth less blind, of the photo that loses most."""
    worst_photo: str


@dataclass(frozen=True, slots=True)
class SensorScores:
    """One denoiser."""

    faults: dict[str, FaultScore]
    levels: tuple[ToldScore, ...]


@dataclass(frozen=True, slots=True)
class SensorBenchmark:
    """Results over all photos of a folder."""

    photos: int
    factors: tuple[float, ...]
    fault_shots: tuple[float, ...]
    denoisers: dict[str, SensorScores]


def chain_of(denoiser: Denoiser) -> Chain:
    """The product's chain about a denoiser that must be told the noise: all that is done to a photo's linear planes."""

    def denoise(planes: np.ndarray, noise: NoiseModel | None) -> np.ndarray:
        mosaic = CfaFamily.of_planes(len(planes))
        layout = packed_layout(mosaic)
        measured = measure_noise(one_of_each(planes), NO_FLOOR, shipped_meter(mosaic))
        found = weighed([], measured, signal=float(planes.mean())).told if noise is None else noise_of_colours(noise)
        signal = _whole(planes, layout)
        bad = with_found_sites(signal, np.zeros(signal.shape, bool), layout, found)
        mapped = layout.pack(repaired(signal, bad, layout))
        told = noise_of_planes(mosaic, found)
        clean = denoiser(without_line_offsets(mapped, find_line_offsets(mapped, told)), told)
        clip = plane_clip(layout, np.where(measured.clip < 1, measured.clip, np.float32(math.inf)))
        return np.where((planes >= clip[:, None, None]) & ~layout.pack(bad), planes, clean)

    return denoise


def run_sensor_benchmark(
    folder: Path,
    chains: Mapping[str, Chain],
    protocol: Protocol,
    progress: Callable[[], None],
    *,
    faults: bool = True,
    told: bool = True,
) -> SensorBenchmark:
    """Measure every chain on every photo with `faults`, and with the noise `told` wrongly.

    `progress` is called after each photo. Faults are measured at those of FAULT_SHOTS that the protocol has, or at all
    its levels where it has none of them.
    """
    fault_shots = tuple(shot for shot in FAULT_SHOTS if shot in protocol.shots) or protocol.shots
    by_fault: dict[str, dict[str, list[FaultScore]]] = {name: defaultdict(list) for name in chains}
    by_level: dict[str, dict[tuple[ReadLine, float], list[ToldScore]]] = {name: defaultdict(list) for name in chains}
    photos = 0
    for scene in read_scenes(folder, protocol.limit, protocol.mosaic):
        for shot, fault in product(fault_shots, FAULTS if faults else ()):
            exposure = expose(scene, shot, fault)
            for name, chain in chains.items():
                by_fault[name][fault].append(_fault_score(exposure, chain))
        for read, shot in product(ReadLine if told else (), protocol.shots):
            for name, chain in chains.items():
                by_level[name][read, shot].append(_told_score(scene, read, shot, chain))
        photos += 1
        progress()
    scores = {
        name: SensorScores(
            {fault: _mean_fault(found) for fault, found in by_fault[name].items()},
            tuple(_mean_told(found) for found in by_level[name].values()),
        )
        for name in chains
    }
    return SensorBenchmark(photos, FACTORS, fault_shots, scores)


def expose(scene: Scene, shot: float, fault: str) -> Exposure:
    """A photo with the noise of the protocol and a fault, the same at every call."""
    noisy, noise = scene.noisy(shot)
    rng = torch.Generator().manual_seed(scene.index * 1_000_003 + round(shot * 1e7))
    clean, seen = torch.from_numpy(scene.clean), torch.from_numpy(noisy)
    return FAULTS[fault](Exposure(clean, seen, noise.mapped(torch.from_numpy)), rng)


def to_markdown(result: SensorBenchmark) -> str:
    """The result as tables: of each denoiser its faults, and for each read noise what is told."""
    parts = []
    for name, scores in result.denoisers.items():
        if scores.faults:
            parts.append(_fault_table(name, scores.faults, result.fault_shots))
        for read in ReadLine:
            levels = [level for level in scores.levels if level.read is read]
            if levels:
                parts.append(_told_table(name, read, levels, result.factors))
    return "\n\n".join(parts)


def _fault_score(exposure: Exposure, chain: Chain) -> FaultScore:
    noisy, clean = exposure.noisy.numpy(), exposure.clean.numpy()
    told, blind = chain(noisy, exposure.noise.mapped(Tensor.numpy)), chain(noisy, None)
    return FaultScore(
        *(raw_psnr(planes, clean) for planes in (noisy, told, blind)),
        *(_height_left(planes, exposure) for planes in (told, blind)),
    )


def _height_left(planes: np.ndarray, exposure: Exposure) -> float | None:
    """How much of what sites were raised by is still there, over all raised sites."""
    if exposure.planted is None or not bool((exposure.planted > 0).any()):
        return None
    planted = exposure.planted.numpy()
    raised = planted > 0
    return float((planes - exposure.clean.numpy())[raised].sum() / planted[raised].sum())


def _told_score(scene: Scene, read: ReadLine, shot: float, chain: Chain) -> ToldScore:
    noisy, noise = scene.noisy(shot, read=read)
    told = tuple(raw_psnr(chain(noisy, noise.times(factor**2)), scene.clean) for factor in FACTORS)
    blind = raw_psnr(chain(noisy, None), scene.clean)
    loss = told[FACTORS.index(1.0)] - blind
    return ToldScore(read, shot, raw_psnr(noisy, scene.clean), told, blind, loss, scene.name)


def _whole(planes: np.ndarray, layout: Layout) -> np.ndarray:
    """The mosaic (H, W) of planes without a border."""
    side = math.isqrt(len(planes))
    return layout.unpack(planes, (planes.shape[1] * side, planes.shape[2] * side))


def _mean_fault(found: list[FaultScore]) -> FaultScore:
    left = [
        [share for share in shares if share is not None]
        for shares in ([score.told_left for score in found], [score.blind_left for score in found])
    ]
    return FaultScore(
        statistics.fmean(score.noisy for score in found),
        statistics.fmean(score.told for score in found),
        statistics.fmean(score.blind for score in found),
        *(statistics.fmean(shares) if shares else None for shares in left),
    )


def _mean_told(found: list[ToldScore]) -> ToldScore:
    worst = max(found, key=lambda score: score.worst_loss)
    return ToldScore(
        worst.read,
        worst.shot,
        statistics.fmean(score.noisy for score in found),
        tuple(statistics.fmean(column) for column in zip(*(score.told for score in found), strict=True)),
        statistics.fmean(score.blind for score in found),
        worst.worst_loss,
        worst.worst_photo,
    )


def _fault_table(name: str, faults: Mapping[str, FaultScore], shots: Sequence[float]) -> str:
    levels = ", ".join(f"{shot:g}" for shot in shots)
    head = [f"raw PSNR, dB; {name}, shot {levels}", "noisy", "told", "blind", "height left, told", "blind"]
    rows = [
        [
            fault,
            *(f"{value:.2f}" for value in (score.noisy, score.told, score.blind)),
            *("" if share is None else f"{share:.0%}" for share in (score.told_left, score.blind_left)),
        ]
        for fault, score in faults.items()
    ]
    return markdown_lines([head, *rows])


def _told_table(name: str, read: ReadLine, levels: Sequence[ToldScore], factors: Sequence[float]) -> str:
    title = f"raw PSNR, dB; {name}, told / true sigma, read noise {read.value}, shot"
    head = [title, "noisy", *(f"{factor:g}" for factor in factors), "blind", "most lost blind"]
    rows = [
        [
            f"{level.shot:g}",
            *(f"{value:.2f}" for value in (level.noisy, *level.told, level.blind)),
            f"{level.worst_loss:.2f} ({level.worst_photo})",
        ]
        for level in levels
    ]
    means = [statistics.fmean(column) for column in zip(*((x.noisy, *x.told, x.blind) for x in levels), strict=True)]
    return markdown_lines([head, *rows, ["mean", *(f"{mean:.2f}" for mean in means), ""]])

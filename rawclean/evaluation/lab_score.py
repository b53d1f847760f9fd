"""What a trained network is worth: quality by level and with the faults of sensors, size, and time on this CPU."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.layout import noise_of_planes
from rawclean.core.noise import NoiseModel
from rawclean.core.rules import check_rules
from rawclean.engines.choices import TILE, Precision
from rawclean.engines.contract import Engine
from rawclean.engines.device import pick_dtype
from rawclean.engines.pick import openvino_is_installed
from rawclean.engines.tiled import Effort, denoise_planes
from rawclean.engines.torch_engine import TorchEngine
from rawclean.evaluation.benchmark import Denoiser, Protocol
from rawclean.evaluation.metrics import raw_psnr
from rawclean.evaluation.publish import denoiser_of
from rawclean.evaluation.scenes import SHOT_LEVELS, read_scenes
from rawclean.evaluation.sensor import chain_of, run_sensor_benchmark
from rawclean.models.onnx_export import export_is_installed, export_onnx
from rawclean.models.weights import load_network
from rawclean.networks import Network
from rawclean.networks.contract import count_gmac_per_megapixel, count_parameters

REPEATS = 5
TIMED_SIDE = TILE
"""Planes are timed in one tile of this side per worker, with its halo, as the product cuts a photo."""
_TIMED_NOISE = NoiseModel.uniform(1.6e-3, 2.6e-6)


@dataclass(frozen=True, slots=True)
class Exam:
    """What a network is asked."""

    photos: str
    """Folder of clean ones."""
    limit: int | None
    sensor_photos: int
    """How many of them also with the faults of sensors; zero for none."""


@dataclass(frozen=True, slots=True)
class LabScore:
    """One trained network."""

    levels: tuple[float, ...]
    """Mean raw PSNR in dB, noise told exactly, by the levels of the protocol."""
    faults_told: float | None
    """The same over the faults of sensors, with the true noise given, and blind."""
    faults_blind: float | None
    parameters: int
    gmac_per_megapixel: float
    seconds_per_megapixel: float
    """Of the network step, the best of five."""
    engine: str

    def __post_init__(self) -> None:
        """Raise ValueError where it is of another protocol."""
        check_rules((f"levels are {len(SHOT_LEVELS)}", len(self.levels) == len(SHOT_LEVELS)))


def examine(weights: Path, exam: Exam) -> LabScore:
    """Measure a weight file on the CPU; the ONNX file for it is left beside it. Raises ModelError."""
    network = load_network(weights)
    engine = product_engine(network, weights.with_suffix(".onnx"))
    denoiser, mosaic, photos = denoiser_of(engine), network.mosaic, Path(exam.photos)
    told, blind = (None, None)
    if exam.sensor_photos:
        told, blind = _with_faults(photos, denoiser, Protocol(mosaic=mosaic, limit=exam.sensor_photos))
    return LabScore(
        levels=_by_level(photos, denoiser, Protocol(mosaic=mosaic, limit=exam.limit)),
        faults_told=told,
        faults_blind=blind,
        parameters=count_parameters(network),
        gmac_per_megapixel=count_gmac_per_megapixel(network),
        seconds_per_megapixel=seconds_per_megapixel(engine, mosaic),
        engine=engine.name,
    )


def product_engine(network: Network, onnx: Path) -> Engine:
    """What the product runs a network with on a CPU: OpenVINO, and torch where it, or the export, is not installed."""
    if not (openvino_is_installed() and export_is_installed()):
        cpu = torch.device("cpu")
        return TorchEngine(network, cpu, pick_dtype(Precision.AUTO, cpu))
    from rawclean.engines.openvino_engine import OpenVinoEngine  # noqa: PLC0415 (only where it is installed)

    export_onnx(network, onnx)
    step, planes = network.multiple_of, network.mosaic.planes
    return OpenVinoEngine(onnx, Precision.AUTO, multiple_of=step, network_halo=network.halo, planes=planes)


def seconds_per_megapixel(engine: Engine, mosaic: CfaFamily) -> float:
    """Wall time of the network step with all cores at work; the best of several, since others may be at work, too."""
    shape = (mosaic.planes, TIMED_SIDE, TIMED_SIDE * engine.workers)
    planes = np.random.default_rng(0).random(shape, np.float32)
    noise, effort = noise_of_planes(mosaic, _TIMED_NOISE), Effort(tile=TIMED_SIDE)
    seconds = []
    for _ in range(REPEATS + 1):  # the first compiles
        start = time.perf_counter()
        denoise_planes(planes, noise, engine, effort)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:]) / (planes.size / 1e6)


def _by_level(photos: Path, denoiser: Denoiser, protocol: Protocol) -> tuple[float, ...]:
    found: list[list[float]] = [[] for _ in protocol.shots]
    for scene in read_scenes(photos, protocol.limit, protocol.mosaic):
        for level, shot in zip(found, protocol.shots, strict=True):
            level.append(raw_psnr(denoiser(*scene.noisy(shot)), scene.clean))
    return tuple(map(statistics.fmean, found))


def _with_faults(photos: Path, denoiser: Denoiser, protocol: Protocol) -> tuple[float, float]:
    """Told and blind, over all faults."""
    result = run_sensor_benchmark(photos, {"": chain_of(denoiser)}, protocol, lambda: None, told=False)
    faults = result.denoisers[""].faults.values()
    return statistics.fmean(score.told for score in faults), statistics.fmean(score.blind for score in faults)

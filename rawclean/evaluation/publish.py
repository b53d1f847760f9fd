"""A trained weight file to a model with a card: copied, counted, and measured on photos it has not seen."""

import copy
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality, Role
from rawclean.core.noise import NoiseModel
from rawclean.engines.choices import DeviceChoice, Precision
from rawclean.engines.contract import Engine
from rawclean.engines.device import pick_device, pick_dtype
from rawclean.engines.tiled import Effort, denoise_planes
from rawclean.engines.torch_engine import TorchEngine
from rawclean.evaluation.benchmark import Denoiser
from rawclean.evaluation.reference import reference_answer
from rawclean.evaluation.residual import measure_residual
from rawclean.io.atomic import failing_clearly, make_folder
from rawclean.io.scratch import scratch_folder
from rawclean.model_choice import choose_model
from rawclean.models.cards import ModelCard, NoiseRange
from rawclean.models.files import file_sha256
from rawclean.models.manifest import add_to_manifest, check_name, remove_from_manifest
from rawclean.models.onnx_export import export_is_installed, export_onnx
from rawclean.models.weights import load_network, save_weights
from rawclean.networks import Network, network_name
from rawclean.networks.contract import count_gmac_per_megapixel, count_parameters


@dataclass(frozen=True, slots=True)
class Publication:
    """What a card says that cannot be measured."""

    name: str
    recipe: str
    """How the weights were made."""
    role: Role = Role.GENERAL
    quality: Quality = Quality.STANDARD
    range: NoiseRange = field(default_factory=NoiseRange)
    half: bool = False
    """Whether to store the weights in half precision; it is these that are measured."""
    overwrite: bool = False
    """Whether a model of this name gives way."""


def publish_model(
    weights: Path, folder: Path, publication: Publication, photos: Path, limit: int | None = None
) -> ModelCard:
    """Copy `weights` into `folder` and write its card.

    A model of this name leaves the manifest before its files give way: killed in between, there is none, instead of one
    that is refused. Raises ModelError for a bad weight file or name, OutputError where the folder cannot be written.
    """
    path = check_name(publication.name, folder, overwrite=publication.overwrite)
    network = load_network(weights)
    if publication.half:
        network = network.half().float()
    residual = measure_residual(photos, torch_denoiser(network), network.mosaic, limit)
    answer = reference_answer(network)
    make_folder(folder)
    with failing_clearly(path), scratch_folder(folder) as unfinished:
        made = Path(unfinished) / path.name
        if publication.half:
            save_weights(made, network_name(network), copy.deepcopy(network).half())
        else:
            shutil.copyfile(weights, made)
        sha256, onnx_sha256 = file_sha256(made), _exported(network, made)
        remove_from_manifest(folder, publication.name)
        _move(made, path)
    card = ModelCard(
        name=publication.name,
        path=path,
        sha256=sha256,
        role=publication.role,
        quality=publication.quality,
        network=network_name(network),
        range=publication.range,
        parameters=count_parameters(network),
        gmac_per_megapixel=round(count_gmac_per_megapixel(network), 3),
        recipe=publication.recipe,
        residual=residual,
        mosaic=network.mosaic,
        multiple_of=network.multiple_of,
        halo=network.halo,
        onnx_sha256=onnx_sha256,
        answer=answer,
    )
    add_to_manifest(folder, card)
    return card


def _exported(network: Network, weights: Path) -> str | None:
    """The sha256 of the ONNX file written beside `weights`; None where none can be: the model runs on torch alone."""
    if not export_is_installed():
        return None
    path = weights.with_suffix(".onnx")
    export_onnx(network, path, weights)
    return file_sha256(path)


def _move(made: Path, path: Path) -> None:
    """Put a weight file, and its ONNX file if there is one, in the place of those that are there."""
    made.replace(path)
    if made.with_suffix(".onnx").exists():
        made.with_suffix(".onnx").replace(path.with_suffix(".onnx"))
    else:
        path.with_suffix(".onnx").unlink(missing_ok=True)


def denoiser_by_noise(
    denoisers: Mapping[str, Denoiser], cards: Sequence[ModelCard], mosaic: CfaFamily, quality: Quality
) -> Denoiser:
    """The denoiser that chooses among models as the product does; `denoisers` are by the names of `cards`."""

    def denoise(planes: np.ndarray, noise: NoiseModel) -> np.ndarray:
        return denoisers[choose_model(noise, cards, mosaic, quality).name](planes, noise)

    return denoise


def denoiser_of(engine: Engine) -> Denoiser:
    """An engine as the benchmark calls it."""
    return lambda planes, noise: denoise_planes(planes, noise, engine, Effort())


def torch_denoiser(
    network: Network, device: DeviceChoice = DeviceChoice.AUTO, precision: Precision = Precision.AUTO
) -> Denoiser:
    """A network that has no card yet, as the benchmark calls it."""
    place = pick_device(device)
    return denoiser_of(TorchEngine(network, place, pick_dtype(precision, place)))

"""rawclean bench: quality of the models on photos, or on a public benchmark."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.progress import Update, progress_bars
from rawclean.cli.report import Shown, print_json, print_line
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality, Role
from rawclean.engines.choices import DeviceChoice, EngineChoice, Precision

if TYPE_CHECKING:
    from rawclean.evaluation.benchmark import Denoiser, Protocol
    from rawclean.evaluation.datasets import Block


class SensorPart(Enum):
    """What to measure of a sensor."""

    FAULTS = "faults"
    TOLD = "told"


def bench(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Clean PNG or JPEG photos, SIDD, DND, or noisy/ and clean/ with RAW files; with --speed one RAW photo."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(help="Models or weight files to measure; all by default. With --speed the one to time."),
    ] = None,
    shot: Annotated[
        list[float] | None, typer.Option(min=1e-7, max=1.0, help="Levels of shot noise, instead of the usual five.")
    ] = None,
    bm3d: Annotated[bool, typer.Option("--bm3d", help="Measure BM3D too (slow; needs the package bm3d).")] = False,
    mosaic: Annotated[CfaFamily, typer.Option(help="What clean photos are sampled through.")] = CfaFamily.BAYER,
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first photos only.")] = None,
    sensor: Annotated[
        bool, typer.Option("--sensor", help="Measure faulty sensors and wrong noise; the choice by noise by default.")
    ] = False,
    part: Annotated[
        SensorPart | None, typer.Option(help="With --sensor: faults, or noise told wrongly; both by default.")
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Folder for the files that DND's server takes, one sub-folder per model.")
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Time a RAW photo step by step, beside other programs that are installed.")
    ] = False,
    engine: options.Computer = EngineChoice.AUTO,
    device: options.Device = DeviceChoice.AUTO,
    precision: options.Accuracy = Precision.AUTO,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Measure raw PSNR, raw SSIM and sRGB PSNR; to clean photos, known noise of five levels is added first."""
    if speed:
        _measure_speed(folder, model or (), (engine, device, precision), Shown(quiet=quiet, as_json=as_json))
        return
    from itertools import islice

    from rawclean.evaluation.benchmark import Protocol, run_benchmark, to_markdown
    from rawclean.evaluation.bm3d import bm3d_planes
    from rawclean.evaluation.datasets import blocks_of, read_dnd

    read_blocks = blocks_of(folder)
    _check_together(sensor=sensor, part=part, of_photos=read_blocks is None)
    if submission is not None and read_blocks is not read_dnd:
        raise typer.BadParameter("is for a folder of DND, which has no clean images", param_hint="--submission")
    denoisers = {"bm3d": bm3d_planes} if bm3d else {}
    denoisers |= _denoisers(model or (), mosaic, engine, device, precision)
    protocol = Protocol(limit=limit, mosaic=mosaic, **({"shots": tuple(shot)} if shot else {}))
    with progress_bars("photos", quiet=quiet or as_json) as (progress,):
        count = _counter(progress, limit)
        if sensor:
            by_noise = {_by_noise(each) for each in Quality} & denoisers.keys()
            chosen = denoisers if model or not by_noise else {name: denoisers[name] for name in by_noise}
            measured = _measure_sensor(folder, chosen, protocol, part, count)
        elif read_blocks is None:
            photos = run_benchmark(folder, denoisers, protocol, count)
            measured = photos, to_markdown(photos)
        else:
            measured = _measure_blocks(islice(read_blocks(folder), limit), denoisers, submission, count)
    _show(*measured, as_json=as_json)


def _check_together(*, sensor: bool, part: SensorPart | None, of_photos: bool) -> None:
    """A usage error where options do not go together."""
    if part is not None and not sensor:
        raise typer.BadParameter("is a part of --sensor; give that, too", param_hint="--part")
    if sensor and not of_photos:
        raise typer.BadParameter("needs a folder of clean photos", param_hint="--sensor")


def _show(result: object, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    for line in text.splitlines():
        print_line(line)


def _measure_speed(
    photo: Path, models: Sequence[str], computer: tuple[EngineChoice, DeviceChoice, Precision], shown: Shown
) -> None:
    from rawclean.evaluation.speed import RUNS, Machine, measure_speed, to_markdown

    if len(models) > 1:
        raise typer.BadParameter("one model at a time can be timed", param_hint="--model")
    machine = Machine(*computer, *models)
    with progress_bars("runs", quiet=shown.quiet or shown.as_json) as (progress,):
        result = measure_speed(photo, machine, _counter(progress, RUNS))
    _show(result, to_markdown(result), as_json=shown.as_json)


def _measure_sensor(
    folder: Path,
    denoisers: "Mapping[str, Denoiser]",
    protocol: "Protocol",
    part: SensorPart | None,
    count: Callable[[], None],
) -> tuple[object, str]:
    """Faults and wrong noise on clean photos, and the tables of it."""
    from rawclean.evaluation.sensor import chain_of, run_sensor_benchmark, to_markdown

    chains = {name: chain_of(denoiser) for name, denoiser in denoisers.items()}
    faults, told = part is not SensorPart.TOLD, part is not SensorPart.FAULTS
    result = run_sensor_benchmark(folder, chains, protocol, count, faults=faults, told=told)
    return result, to_markdown(result)


def _measure_blocks(
    blocks: "Iterable[Block]", denoisers: "Mapping[str, Denoiser]", submission: Path | None, count: Callable[[], None]
) -> tuple[object, str]:
    """Quality on real noise, and its tables; writes what DND's server takes into `submission`."""
    from rawclean.evaluation.benchmark import run_on_blocks, to_markdown
    from rawclean.evaluation.datasets import write_dnd_submission

    result, unjudged = run_on_blocks(blocks, denoisers, count)
    for name, mosaics in unjudged.items():
        if submission is not None and mosaics:
            write_dnd_submission(submission / name, mosaics)
    return result, to_markdown(result)


def _denoisers(
    names: Sequence[str], mosaic: CfaFamily, engine: EngineChoice, device: DeviceChoice, precision: Precision
) -> "dict[str, Denoiser]":
    """The models and weight files of that name; without names all models, and for each quality the choice by noise."""
    from rawclean.engines.pick import pick_engine
    from rawclean.evaluation.publish import denoiser_by_noise, denoiser_of, torch_denoiser
    from rawclean.models.manifest import find_model, list_models
    from rawclean.models.weights import load_network

    files = [Path(name) for name in names if name.endswith(".safetensors")]
    named = [find_model(name) for name in names if Path(name) not in files]
    cards = named if names else [card for card in list_models() if card.mosaic is mosaic]
    denoisers = {card.name: denoiser_of(pick_engine(card, engine, device, precision)) for card in cards}
    denoisers |= {str(path): torch_denoiser(load_network(path), device, precision) for path in files}
    special = {card.quality for card in cards if card.role is Role.SPECIALIST and not names}
    by_noise = {
        _by_noise(each): denoiser_by_noise(denoisers, cards, mosaic, each) for each in Quality if each in special
    }
    return denoisers | by_noise


def _by_noise(quality: Quality) -> str:
    """The choice among the models of one quality as the product makes it."""
    return f"{quality.value}, by noise"


def _counter(progress: Update, total: int | None) -> Callable[[], None]:
    """A function that moves the bar on by one."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return count

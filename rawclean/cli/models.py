"""rawclean models: the networks that are installed."""

import math
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.completion import complete_models
from rawclean.cli.progress import print_table
from rawclean.cli.report import print_json, print_line
from rawclean.core.choices import Quality, Role

if TYPE_CHECKING:
    from rawclean.models.cards import ModelCard

app = typer.Typer(no_args_is_help=True)

_ALL_NOISE = 0.0, math.inf

Name = Annotated[str, typer.Argument(autocompletion=complete_models, help="Name of the model.")]
Output = Annotated[Path, typer.Option("--output", "-o", dir_okay=False, help="The file to write, .onnx.")]


@app.command("list")
def list_all(as_json: options.Json = False) -> None:
    """List all models with the noise that each is for."""
    from rawclean.models.manifest import list_models

    cards = list_models()
    if as_json:
        print_json(cards)
        return
    rows = [
        (
            *(
                card.name,
                "yours" if card.own else "",
                card.quality.value,
                f"{card.range.low:.4g} to {card.range.high:.4g}",
            ),
            *(f"{card.parameters:,}", f"{card.gmac_per_megapixel:.1f}"),
        )
        for card in cards
    ]
    print_table("models", ("name", "", "quality", "sigma at 18 % signal", "parameters", "GMAC/MP"), rows)


@app.command()
def show(name: Name, as_json: options.Json = False) -> None:
    """Show one model: network, cost, range, recipe."""
    from rawclean.models.manifest import find_model
    from rawclean.models.weights import load_model
    from rawclean.networks.contract import count_gmac_per_megapixel, count_parameters

    card = find_model(name)
    network = load_model(card)
    facts = {
        "name": card.name,
        "quality": card.quality.value,
        "role": card.role.value,
        "file": card.path,
        "sha256": card.sha256,
        "mosaic": card.mosaic.value,
        "network": card.network,
        "config": network.config,
        "parameters": count_parameters(network),
        "gmac_per_megapixel": round(count_gmac_per_megapixel(network), 2),
        "receptive_field": network.receptive_field,
        "multiple_of": network.multiple_of,
        "sigma_range": [card.range.low, card.range.high],
        "recipe": card.recipe,
    }
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        print_line(f"{key.replace('_', ' '):20}{value}")


@app.command()
def verify() -> None:
    """Check every model file against its sha256 and load it."""
    from rawclean.models.files import check_weights
    from rawclean.models.manifest import list_models
    from rawclean.models.weights import load_model

    for card in list_models():
        load_model(card)
        if card.onnx_sha256 is not None:
            check_weights(card.onnx_path, card.onnx_sha256)
        print_line(f"{card.name}: ok")


@app.command()
def export(name: Name, output: Output, overwrite: options.Overwrite = False) -> None:
    """Write a model as an ONNX file, for other programs: planes, shot and read noise in, the noise out."""
    from rawclean.errors import UsageError
    from rawclean.io.atomic import check_target
    from rawclean.models.manifest import find_model
    from rawclean.models.onnx_export import export_onnx
    from rawclean.models.weights import load_model

    if output.suffix.lower() != ".onnx":
        raise UsageError(f"{output}: an ONNX file is written; end its name in .onnx")
    card = find_model(name)
    for installed in (card.path, card.onnx_path):
        check_target(output, installed, overwrite=overwrite)
    export_onnx(load_model(card), output)
    print_line(f"{output}: written")


@app.command()
def add(
    weights: Annotated[Path, typer.Argument(help="A weight file that `rawclean train` wrote.")],
    photos: Annotated[Path, typer.Option(help="Photos it was not trained on, to measure the noise it leaves.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    role: Annotated[Role, typer.Option(help="What it is for.")] = Role.GENERAL,
    quality: Annotated[Quality, typer.Option(help="The rung of --quality that it is on.")] = Quality.STANDARD,
    sigma: options.Sigma = _ALL_NOISE,
    recipe: Annotated[str, typer.Option(help="How it was made, in a sentence.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Folder to make it in; by default your own, the one where rawclean looks.")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store 16-bit weights; they are computed in 32.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Measure on this many photos only.")] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Add a model of your own, measured on photos: its rung of --quality takes it before those that ship."""
    from rawclean.errors import UsageError
    from rawclean.evaluation.publish import Publication, publish_model
    from rawclean.models.cards import NoiseRange
    from rawclean.models.manifest import user_weights

    if role is Role.GENERAL and sigma != _ALL_NOISE:
        raise UsageError("a general model is for all noise; leave out --sigma, or add --role specialist")
    publication = Publication(name, recipe, role, quality, NoiseRange(*sigma), half, overwrite)
    card = publish_model(weights, folder or user_weights(), publication, photos, limit)
    print_line(f"{card.name}: added to {card.path.parent}")
    if folder is None:
        print_line(f"--quality {quality.value} takes it from now on for {card.mosaic.value} mosaics {_for_noise(card)}")
        for rival in _rivals(card):
            print_line(
                f"unless {rival} is taken, which is yours, too, and comes first (`rawclean models remove {rival}`)"
            )


def _rivals(card: "ModelCard") -> list[str]:
    """Models of the user that are taken before this one, for the same photos on the same rung."""
    from rawclean.models.manifest import list_models

    def alike(other: "ModelCard") -> bool:
        overlap = other.range.low < card.range.high and card.range.low < other.range.high
        return other.own and other.quality is card.quality and other.mosaic is card.mosaic and overlap

    own = sorted(filter(alike, list_models()), key=lambda other: other.role is Role.GENERAL)  # specialists first
    return list(takewhile(lambda name: name != card.name, (other.name for other in own)))


def _for_noise(card: "ModelCard") -> str:
    if card.role is Role.GENERAL:
        return "of all noise"
    return f"with sigma {card.range.low:.4g} to {card.range.high:.4g}"


@app.command()
def remove(name: Name) -> None:
    """Remove a model of your own."""
    from rawclean.models.manifest import remove_model

    remove_model(name)
    print_line(f"{name}: removed")


@app.command()
def record(
    folder: Annotated[Path | None, typer.Option(help="Folder of weights; by default your own.")] = None,
) -> None:
    """Store what sound models answer to an example, for `rawclean doctor` to compare with on other machines."""
    from rawclean.evaluation.reference import record_answers
    from rawclean.models.manifest import user_weights

    folder = folder or user_weights()
    count = record_answers(folder)
    print_line(f"{folder}: the answers of {count} networks stored")

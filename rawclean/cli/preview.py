"""rawclean preview: see what denoising would do before it is done."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.report import print_json, print_line, print_warning
from rawclean.core.choices import BadPixels
from rawclean.engines.choices import DeviceChoice, EngineChoice, Precision

if TYPE_CHECKING:
    from rawclean.preview.look import Look

_PLACE = re.compile(r"\s*(\d+)\s*,\s*(\d+)\s*")
_SHOWN = ("quality", "model", "iso", "noise", "strength", "luminance", "colour", "grain", "bad_pixels", "precision")
"""Options that `rawclean denoise` has too, and that change what it makes."""


def _place(text: object) -> tuple[int, int]:
    """X,Y to two numbers; a usage error where they are none."""
    found = _PLACE.fullmatch(str(text))
    if not found:
        raise typer.BadParameter("give a place in pixels from the top left, like 2400,1300", param_hint="--at")
    return int(found[1]), int(found[2])


def preview(
    context: typer.Context,
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="A RAW or DNG photo.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            help="The page, .html; or a folder for it, which ends with / where it is not there yet. By default "
            "PHOTO_preview.html beside the photo.",
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="Show the piece around this pixel of the upright photo; again for more."),
    ] = None,
    quality: options.QualityOption = None,
    model: options.Model = None,
    iso: options.Iso = None,
    noise: options.Noise = None,
    strength: options.Strength = 1.0,
    luminance: options.Luminance = None,
    colour: options.ColourShare = None,
    grain: options.Grain = None,
    bad_pixels: options.BadPixelsOption = BadPixels.AUTO,
    engine: options.Computer = EngineChoice.AUTO,
    device: options.Device = DeviceChoice.AUTO,
    precision: options.Accuracy = Precision.AUTO,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write a page with pieces of a photo at 100 %, denoised in several ways, to compare; nothing else is made."""
    shot_and_read, places = options.parse_noise(noise), [_place(each) for each in at or ()]
    from rawclean.errors import UsageError
    from rawclean.io.files import check_is_file
    from rawclean.preview.look import look_at
    from rawclean.preview.page import check_preview, page_of, write_page
    from rawclean.settings import DenoiseSettings

    settings = DenoiseSettings(
        model=model,
        quality=quality,
        iso=iso,
        noise=shot_and_read,
        strength=strength,
        luminance=options.luminance_share(luminance, grain),
        colour=colour,
        bad_pixels=bad_pixels,
        precision=precision,
        engine=engine,
        device=device,
    )
    if not photo:
        raise UsageError("the name of the photo is empty; is a variable of the shell not set?")
    source = Path(photo)
    check_is_file(source)
    page = page_of(source, output)
    check_preview(page, source)
    look = look_at(source, settings, places)
    write_page(page, look, _given(context))
    for warning in filter(None, (look.warning, _of_denoise_alone(context))):
        print_warning(warning)
    if as_json:
        print_json({"page": page, "pieces": [crop.place for crop in look.crops], "versions": _told(look)})
    elif not quiet:
        labels = ", ".join(version.label for version in look.versions)
        pieces = "1 piece" if len(look.crops) == 1 else f"{len(look.crops)} pieces"
        print_line(f"{page}: {pieces} of {source.name}, before, {labels}")
    if open_it:
        _open(page)


def _open(page: Path) -> None:
    """Show a page in the browser, or say that it has to be opened by hand."""
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        print_warning(f"no browser could be started; open {page.resolve()} in one")


def _given(context: typer.Context) -> list[str]:
    """Options of the command line and of configurations that `rawclean denoise` needs for the same result."""
    given = []
    for name in _SHOWN:
        value = context.params[name]
        if value is not None and not _is_built_in(context, name):
            given += [f"--{name.replace('_', '-')}", str(getattr(value, "value", value)).removesuffix(".0")]
    return given


def _of_denoise_alone(context: typer.Context) -> str | None:
    """A warning of what commands take from a configuration, and the page does not show."""
    defaults = (context.find_root().default_map or {}).get("denoise", {})
    alone = (name for name in _SHOWN if name in defaults and _is_built_in(context, name))
    names = ", ".join(name.replace("_", "-") for name in alone)
    if not names:
        return None
    return f"rawclean.toml has {names} in [denoise] alone, so not on the page; put it at the top, for every command"


def _is_built_in(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is None or source.name == "DEFAULT"


def _told(look: "Look") -> list[dict[str, object]]:
    """For scripts."""
    return [{"label": each.label, "options": each.options, "model": each.card.name} for each in look.versions]

"""A look at a photo as one HTML page that opens offline."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from numpy.typing import NDArray

from rawclean.core.printable import escaped
from rawclean.errors import UsageError
from rawclean.evaluation.drawing import to_svg
from rawclean.evaluation.noise_chart import draw
from rawclean.io.files import names_folder
from rawclean.io.pages import check_page, write_page_about
from rawclean.io.pictures import jpeg_bytes
from rawclean.noise_source import FoundNoise
from rawclean.preview.command import command_of
from rawclean.preview.look import Look, rectangle
from rawclean.version import __version__

_HEAD = "<title>rawclean preview: "
_SUFFIXES = (".html", ".htm")


def page_of(source: Path, output: str | None) -> Path:
    """Where the page about a photo goes: beside it, into a folder, or where a user says; raises UsageError."""
    name = f"{source.stem}_preview.html"
    if output is None:
        return source.with_name(name)
    if not output:
        raise UsageError("the name of the page is empty; is a variable of the shell not set?")
    if names_folder(output):
        return Path(output, name)
    if Path(output).suffix.lower() not in _SUFFIXES:
        raise UsageError(f"-o {output}: a page is named like preview.html; end it with / for a folder")
    return Path(output)


def check_preview(path: Path, source: Path) -> None:
    """Raise OutputError where a page cannot be written to `path`, or would replace what is no preview of rawclean."""
    check_page(path, source, _HEAD.encode(), "preview", make_folders=True)


def write_page(path: Path, look: Look, given: Sequence[str]) -> None:
    """Write the page, and folders for it; `given` are the options that the user gave. Raises OutputError."""
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            version=__version__,
            head=Markup(_HEAD),
            name=escaped(look.photo.source.name),
            look=look,
            whole=_encoded(look.whole),
            crops=[_crop(look, index) for index in range(len(look.crops))],
            labels=["before", *(version.label for version in look.versions)],
            models=["as the camera took it", *(version.card.name for version in look.versions)],
            commands=["", *(command_of(look.photo.source, (*given, *version.options)) for version in look.versions)],
            evidence=_evidence(look.found),
            chart=Markup(to_svg(draw(look.chart))),  # its own text is escaped
        )
    )
    write_page_about(look.photo.source, path, page.encode())


def _crop(look: Look, index: int) -> dict[str, Any]:
    """What the page says of a piece."""
    crop = look.crops[index]
    left, top, width, height = rectangle(crop.place, look.photo.frame)
    return {
        "name": crop.place.name,
        "pictures": [_encoded(picture) for picture in (crop.before, *crop.after)],
        "size": (crop.before.shape[1], crop.before.shape[0]),
        "area": {"left": left, "top": top, "width": width, "height": height},
    }


def _encoded(picture: NDArray[np.uint8]) -> str:
    return base64.b64encode(jpeg_bytes(picture, sharp_colours=True)).decode()


def _evidence(found: FoundNoise) -> list[tuple[str, str]]:
    """Who says what of the noise."""
    widths = (f" within {100 * each.width:.0f} %" if each.width > 0 else "" for each in found.evidence)
    said = [
        (each.origin, f"{100 * each.noise.sigma_at():.3g} %{width}")
        for each, width in zip(found.evidence, widths, strict=True)
    ]
    return [*said, ("conclusion", f"{100 * found.noise.sigma_at():.3g} %")]


def _environment() -> Environment:
    return Environment(loader=PackageLoader("rawclean.preview", "."), autoescape=True, trim_blocks=True)

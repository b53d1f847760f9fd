"""rawclean info: what is known of a photo before anything is done to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rawclean.cli import options
from rawclean.cli.report import print_json, print_line, print_warning
from rawclean.core.choices import Quality

if TYPE_CHECKING:
    from rawclean.models.cards import ModelCard
    from rawclean.settings import DenoiseSettings


def info(
    source: Annotated[Path, typer.Argument(help="A RAW or DNG photo.")],
    iso: options.Iso = None,
    noise: options.Noise = None,
    quality: options.QualityOption = None,
    as_json: options.Json = False,
) -> None:
    """Show camera, geometry, noise and the model that would be chosen."""
    shot_and_read = options.parse_noise(noise)
    from rawclean.core.layout import mosaic_of
    from rawclean.engines.pick import engine_of
    from rawclean.errors import naming
    from rawclean.model_choice import model_for
    from rawclean.noise_source import find_noise
    from rawclean.pipeline import read_photo, statements
    from rawclean.settings import DenoiseSettings

    settings = DenoiseSettings(iso=iso, noise=shot_and_read, quality=quality)
    frame = read_photo(source, settings).frame
    with naming(source):
        found = find_noise(frame, settings.told_noise)
    card = model_for(mosaic_of(frame.layout), found.noise, settings)
    area, exposure = frame.active, frame.exposure
    known = {
        "camera": str(frame.camera),
        "iso": exposure.iso,
        "exposure_seconds": exposure.seconds,
        "aperture": exposure.aperture,
        "focal_length_mm": exposure.focal_length,
        "raster": list(frame.raster.shape),
        "visible": [area.height, area.width],
        "visible_from": [area.top, area.left],
        "layout": frame.layout.name,
        "black": frame.levels.black.flatten().tolist(),
        "white": frame.levels.white,
        "white_balance": list(frame.colour.wb_gains),
        "orientation": frame.orientation,
        "noise_from": found.origin,
        "shot": found.noise.shot.tolist(),
        "read": found.noise.read.tolist(),
        "sigma_at_18_percent": found.noise.sigma_at(),
        "evidence": [f"{each.origin}: sigma {each.sigma:.5f} within {each.width:.0%}" for each in statements(found)],
        "noise_is_smoothed": found.correlated,
        "clip_level": found.clip.tolist(),
        "model": card.name,
        "quality": _quality(card, settings),
        "engine": engine_of(card),
    }
    for warning in filter(None, (frame.doubt, found.warning)):
        print_warning(warning)
    if as_json:
        print_json(known)
        return
    for name, value in known.items():
        print_line(f"{name.replace('_', ' '):22}{_text(value)}")


def _quality(card: "ModelCard", settings: "DenoiseSettings") -> str:
    from rawclean.model_choice import usual_quality

    if settings.quality is None and usual_quality(settings) is Quality.FAST:
        return f"{card.quality.value}; this CPU has no bfloat16, standard would take long"
    return card.quality.value


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    if value is None:
        return "unknown"
    return f"{value:.5g}" if isinstance(value, float) else str(value)

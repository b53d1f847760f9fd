"""What a photo can be made into: the ways to denoise it that a preview compares."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality
from rawclean.core.noise import NoiseModel
from rawclean.core.shares import GRAIN, Shares
from rawclean.errors import ModelError
from rawclean.model_choice import model_for
from rawclean.models.cards import ModelCard
from rawclean.settings import DenoiseSettings

ALL = Shares()
MILDER = (
    ("light grain", "--grain", "light", Shares(luminance=1 - GRAIN["light"])),
    ("strong grain", "--grain", "strong", Shares(luminance=1 - GRAIN["strong"])),
    ("strength 0.7", "--strength", "0.7", Shares(0.7, 0.7)),
)
"""Ways to leave some of the noise: label, option, value, and what they take away."""


@dataclass(frozen=True, slots=True)
class Version:
    """One way to denoise a photo."""

    label: str
    options: tuple[str, ...]
    """Of `rawclean denoise`, beside those that the user gave."""
    settings: DenoiseSettings
    card: ModelCard
    shares: Shares


def versions_of(mosaic: CfaFamily, noise: NoiseModel, iso: float, settings: DenoiseSettings) -> list[Version]:
    """What the settings of a user ask for, first; then the other rungs of quality, and less of it.

    Raises ModelError where no model fits.
    """
    card = model_for(mosaic, noise, settings)
    label = card.quality.value if settings.model is None else card.name
    wanted = Version(label, (), settings, card, settings.shares_at(iso))
    return [wanted, *_rungs(wanted, mosaic, noise), *_milder(wanted)]


def _rungs(wanted: Version, mosaic: CfaFamily, noise: NoiseModel) -> Iterator[Version]:
    for quality in Quality if wanted.settings.model is None else ():
        settings = replace(wanted.settings, quality=quality)
        try:
            card = model_for(mosaic, noise, settings)
        except ModelError:
            continue
        if card.quality is quality and card != wanted.card:
            yield Version(quality.value, ("--quality", quality.value), settings, card, wanted.shares)


def _milder(wanted: Version) -> Iterator[Version]:
    settings = wanted.settings
    is_said = settings.luminance is not None or settings.colour is not None  # `denoise` would take both, or refuse
    if wanted.shares == ALL and not is_said:
        for label, option, value, shares in MILDER:
            yield Version(label, (option, value), settings, wanted.card, shares)

"""Which model a photo gets: by its mosaic, its noise, and the quality that is wanted."""

from collections.abc import Sequence
from itertools import product

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality, Role
from rawclean.core.noise import NoiseModel
from rawclean.engines.pick import has_fast_arithmetic
from rawclean.errors import ModelError
from rawclean.models.cards import ModelCard
from rawclean.models.manifest import find_model, list_models
from rawclean.settings import DenoiseSettings


def model_for(mosaic: CfaFamily, noise: NoiseModel, settings: DenoiseSettings) -> ModelCard:
    """The model that the settings name, or that mosaic, noise and quality call for; raises ModelError."""
    if settings.model is None:
        quality = settings.quality or usual_quality(settings)
        return choose_model(noise, list_models(), mosaic, quality, specialists=settings.specialists)
    card = find_model(settings.model)
    if card.mosaic is not mosaic:
        raise ModelError(f"the photo is a mosaic for {mosaic.value} models, and {card.name} is for {card.mosaic.value}")
    return card


def usual_quality(settings: DenoiseSettings) -> Quality:
    """Standard where a photo then takes seconds, else fast."""
    quick = has_fast_arithmetic(settings.engine, settings.device, settings.precision)
    return Quality.STANDARD if quick else Quality.FAST


def choose_model(
    noise: NoiseModel, cards: Sequence[ModelCard], mosaic: CfaFamily, quality: Quality, *, specialists: bool = True
) -> ModelCard:
    """The specialist whose range holds the noise, else the general model, of those for `mosaic` and `quality`.

    A user's own models come before those that ship. Where there is none of this quality, the nearest lower one counts,
    then the nearest higher. Without `specialists` always a general one. Raises ModelError where there is none.
    """
    sigma = noise.sigma_at()
    roles = (Role.SPECIALIST, Role.GENERAL) if specialists else (Role.GENERAL,)
    for rung, own, role in product(_nearest(quality), (True, False), roles):
        for card in cards:
            wanted = card.own is own and card.role is role and card.quality is rung and card.mosaic is mosaic
            if wanted and sigma in card.range:
                return card
    raise ModelError(
        f"no model for {mosaic.value} is made for noise with sigma {sigma:.4f} at 18 % signal; name one with --model"
    )


def _nearest(quality: Quality) -> list[Quality]:
    rungs = list(Quality)
    wanted = rungs.index(quality)
    return [*reversed(rungs[: wanted + 1]), *rungs[wanted + 1 :]]

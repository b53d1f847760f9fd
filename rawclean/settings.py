"""What a user asks for; known without what does it."""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, fields
from functools import partial
from typing import Any

from rawclean.core.choices import BadPixels, Quality
from rawclean.core.shares import Share, Shares, grain_of, rest_of, share_at, share_of
from rawclean.core.told import choice_of, flag_of, iso_of, name_of, shot_and_read_of, value_told, whole_number_of
from rawclean.engines.choices import LEAST_TILE, TILE, DeviceChoice, EngineChoice, Precision
from rawclean.errors import UsageError
from rawclean.io.compression import Compression


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSettings:
    """What a user says of the noise."""

    iso: float | None = None
    """Noise of this ISO instead of what the file says."""
    noise: tuple[float, float] | None = None
    """Shot and read variance, believed without question."""

    @property
    def replaces_tag(self) -> bool:
        """Whether the noise tag of the file does not count, so that a bad one can be replaced."""
        return self.iso is not None or self.noise is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSettings:
    """What is computed: a result that is there is done again where one of these is another.

    Each can be told as on the command line, too, like quality="fast" or strength="100:0.4,6400:1". Raises UsageError
    for what it cannot be.
    """

    model: str | None = None
    """Name of a model; None chooses by quality and noise."""
    quality: Quality | None = None
    """None is standard, and fast on a CPU that would take long."""
    specialists: bool = True
    """Whether to choose among the specialists of noise ranges, too."""
    iso: float | None = None
    """Noise of this ISO instead of what the file says."""
    noise: tuple[float, float] | None = None
    """Shot and read variance instead of what the file says."""
    strength: Share = 1.0
    """Share of the noise that is taken away, 0 to 1."""
    luminance: Share | None = None
    """Share of the noise of brightness; None is `strength`."""
    colour: Share | None = None
    """Share of the noise of colour; None is `strength`."""
    bad_pixels: BadPixels = BadPixels.AUTO
    """Which sites are replaced by their neighbours first."""
    precision: Precision = Precision.AUTO
    compression: Compression = Compression.LJPEG
    """Of the samples in a DNG."""
    grain: InitVar[object] = None
    """Share of the noise of brightness that is left, or none, light, medium or strong; the rest of `luminance`."""

    def __post_init__(self, grain: object) -> None:
        if grain is not None:
            if self.luminance is not None:
                raise UsageError("grain is what luminance leaves: give one of them")
            object.__setattr__(self, "luminance", rest_of(value_told("grain", grain_of, grain)))
        for field in fields(self):
            told = getattr(self, field.name)
            if told is not None or field.default is not None:
                object.__setattr__(self, field.name, value_told(field.name, _VALUES[field.name], told))

    @property
    def told_noise(self) -> NoiseSettings:
        """What the user says of the noise."""
        return NoiseSettings(iso=self.iso, noise=self.noise)

    @property
    def takes_nothing(self) -> bool:
        """Whether no noise would be taken from any photo."""
        return all(share == 0 for share in (self._luminance, self._colour))

    def shares_at(self, iso: float) -> Shares:
        """What is taken away of the noise of a photo of an ISO."""
        return Shares(share_at(self._luminance, iso), share_at(self._colour, iso))

    @property
    def _luminance(self) -> Share:
        return self.strength if self.luminance is None else self.luminance

    @property
    def _colour(self) -> Share:
        return self.strength if self.colour is None else self.colour


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiseSettings(ResultSettings):
    """What is computed, and how; the defaults suit every photo."""

    engine: EngineChoice = EngineChoice.AUTO
    device: DeviceChoice = DeviceChoice.AUTO
    tile: int = TILE
    overwrite: bool = False
    make_folders: bool = True
    """Whether a folder for the result is made where it is missing."""


_VALUES: dict[str, Callable[[Any], object]] = {
    "model": name_of,
    "quality": partial(choice_of, Quality),
    "specialists": flag_of,
    "iso": iso_of,
    "noise": shot_and_read_of,
    "strength": share_of,
    "luminance": share_of,
    "colour": share_of,
    "bad_pixels": partial(choice_of, BadPixels),
    "precision": partial(choice_of, Precision),
    "compression": partial(choice_of, Compression),
    "engine": partial(choice_of, EngineChoice),
    "device": partial(choice_of, DeviceChoice),
    "tile": partial(whole_number_of, LEAST_TILE),
    "overwrite": flag_of,
    "make_folders": flag_of,
}
"""From what is told of each setting, None apart where that is its default."""

"""The one value that travels: a photo as its sensor saw it."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from rawclean.core.colour import Colour
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.levels import Levels
from rawclean.core.noise import NoiseModel

MIN_SIDE = 16
"""Smallest visible side, in samples, that is a photo."""


@dataclass(frozen=True, slots=True)
class ActiveArea:
    """The visible part of the sensor's raster, in samples."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Camera:
    """Names as the file has them."""

    make: str
    model: str

    def __str__(self) -> str:
        if not self.model:
            return self.make or "unknown camera"
        return self.model if self.model.startswith(self.make) else f"{self.make} {self.model}"


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the photo was taken; None where the file does not say."""

    iso: float | None
    seconds: float | None
    aperture: float | None
    """F-number."""
    focal_length: float | None
    """Millimetres."""
    timestamp: float | None
    """Seconds since 1970, as LibRaw reads it."""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One photo: raster of the sensor and all that is needed to denoise it and to write it again."""

    raster: np.ndarray
    """(H, W) float32 ADU, masked borders included, in sensor orientation; (3, H, W) of a demosaiced image."""
    active: ActiveArea
    layout: Layout
    """Seen from the top-left of the visible area."""
    levels: Levels
    colour: Colour
    camera: Camera
    exposure: Exposure
    orientation: int
    """EXIF orientation 1-8; the mosaic itself is never turned."""
    noise_profile: NoiseModel | None
    """From the DNG NoiseProfile tag."""
    noise_profile_fault: str | None = None
    """What is wrong with the tag, where it is there and does not count."""
    masked: tuple[ActiveArea, ...] = ()
    """Parts of the raster that no light reaches, where the file names them (DNG MaskedAreas)."""
    pixel_aspect: float = 1.0
    """Width of a pixel over its height."""
    is_float: bool = False
    """Whether the file stores floating point numbers, finer than any integer code."""
    listed_bad: np.ndarray | None = None
    """Sites that the file itself says hold no signal, bool like a mosaic's `raster`; None where it names none."""
    doubt: str | None = None
    """What in the file speaks against its samples, for the user."""

    @property
    def samples(self) -> np.ndarray:
        """The visible samples (..., H, W), float32 ADU; a view of the raster."""
        area = self.active
        return self.raster[..., area.top : area.top + area.height, area.left : area.left + area.width]

    def cut(self, top: int, left: int, height: int, width: int) -> "RawFrame":
        """A piece of the visible samples as a photo of its own."""
        rows, columns = slice(top, top + height), slice(left, left + width)
        bad = self.listed_bad
        if bad is not None:
            bad = bad[self.active.top :, self.active.left :][rows, columns]
        return dataclasses.replace(
            self,
            raster=self.samples[..., rows, columns].copy(),
            active=ActiveArea(0, 0, height, width),
            layout=self.layout if isinstance(self.layout, PlainLayout) else self.layout.shifted(top, left),
            levels=self.levels.shifted(top, left),
            masked=(),
            listed_bad=bad,
        )

    def with_samples(self, samples: np.ndarray) -> "RawFrame":
        """The same photo with other visible samples; masked borders stay."""
        if samples.shape == self.raster.shape:
            return dataclasses.replace(self, raster=samples.astype(np.float32))
        frame = dataclasses.replace(self, raster=self.raster.copy())
        frame.samples[...] = samples
        return frame

"""Real noisy mosaics as training batches; what the best installed model makes of them stands for the clean ones.

No simulation has all of a sensor. No clean photo of the same moment exists either, so that a student can become no
better by this than its teacher is, but sees the camera's own noise. Losses are relative to the noise that was found, so
that a photo with next to none weighs no more than it should.
"""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality
from rawclean.core.frame import RawFrame
from rawclean.core.layout import PlainLayout, mosaic_of, plane_noise
from rawclean.core.noise import NoiseModel
from rawclean.errors import RawcleanError, TrainingError
from rawclean.io.applied import is_denoised
from rawclean.io.suffixes import list_raws
from rawclean.pipeline import Examined, clean_frame, examine, read_photo
from rawclean.settings import DenoiseSettings
from rawclean.synthesis.told_noise import ToldConfig, tell_noise
from rawclean.training.batch import Batch, Crops, generator_on, joined, origin_of

PIECE = 2052
"""Side of what is kept of a photo, from its middle, in samples: whole periods of every mosaic."""
PERIOD = 12
"""Samples after which every mosaic and its levels begin anew."""


@dataclasses.dataclass(frozen=True, slots=True)
class RealPhoto:
    """Planes (P, H, W), linear, and their noise, fields (P,)."""

    noisy: Tensor
    denoised: Tensor
    noise: NoiseModel


class RealCrops:
    """Draws training batches from real photos."""

    def __init__(self, photos: Sequence[RealPhoto], told: ToldConfig, origin: str = "") -> None:
        self._photos = photos
        self._told = told
        self._origin = origin

    @classmethod
    def from_folder(cls, folder: Path, mosaic: CfaFamily, told: ToldConfig, device: torch.device) -> "RealCrops":
        """Denoise every RAW photo of a folder that is such a mosaic and has its noise still.

        Raises TrainingError where there is none, or where one cannot be denoised.
        """
        if not folder.is_dir():
            raise TrainingError(f"{folder}: no folder of RAW photos")
        settings = DenoiseSettings(quality=Quality.BEST)
        photos = {path: _real_photo(path, mosaic, settings, device) for path in list_raws(folder)}
        real = {path: photo for path, photo in photos.items() if photo is not None}
        if not real:
            raise TrainingError(f"{folder}: no RAW photo of a {mosaic.value} mosaic in it that has its noise still")
        return cls(list(real.values()), told, origin_of(real))

    @property
    def origin(self) -> str:
        """As `Crops.origin`."""
        return self._origin

    def draw(self, count: int, crop: int, rng: torch.Generator) -> Batch:
        """Draw `count` crops of `crop` x `crop` samples; raises TrainingError where every photo is smaller."""
        side = crop // math.isqrt(self._photos[0].noisy.shape[0])
        fitting = [photo for photo in self._photos if min(photo.noisy.shape[1:]) >= side]
        if not fitting:
            raise TrainingError(f"every RAW photo is smaller than a crop of {crop} px; lower the crop size")
        chosen = [fitting[index] for index in torch.randint(len(fitting), (count,), generator=rng).tolist()]
        crops = [_crop(photo, side, rng) for photo in chosen]
        noises = [photo.noise for photo in chosen]
        noise = NoiseModel(torch.stack([each.shot for each in noises]), torch.stack([each.read for each in noises]))
        device_rng = generator_on(noise.shot.device, rng)
        noisy, denoised = (torch.stack(planes) for planes in zip(*crops, strict=True))
        return Batch(denoised, noisy, noise, tell_noise(noise, self._told, device_rng))


class MixedCrops:
    """Draws batches of simulated crops, of which a share is real."""

    def __init__(self, photos: Crops, real: Crops, share: float) -> None:
        self._photos, self._real, self._share = photos, real, share

    @property
    def origin(self) -> str:
        """As `Crops.origin`."""
        return f"{self._photos.origin} {self._real.origin}"

    def draw(self, count: int, crop: int, rng: torch.Generator) -> Batch:
        """Draw `count` crops as its two sources do."""
        real = int((torch.rand(count, generator=rng) < self._share).sum())
        sources = (self._photos, count - real), (self._real, real)
        return joined([source.draw(number, crop, rng) for source, number in sources if number])


def _real_photo(path: Path, mosaic: CfaFamily, settings: DenoiseSettings, device: torch.device) -> RealPhoto | None:
    """A photo and what becomes of it; None where it is of another mosaic, or denoised already."""
    try:
        photo = read_photo(path, settings)
        layout = photo.frame.layout
        if isinstance(layout, PlainLayout) or mosaic_of(layout) is not mosaic or is_denoised(path, photo.metadata):
            return None
        return _denoised(_middle(examine(photo.frame, settings)), settings, device)
    except RawcleanError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise TrainingError(f"{path}: {reason}; take it out of the folder to train without it") from error


def _middle(photo: Examined) -> Examined:
    """The piece of an examined photo that is kept."""
    area = photo.frame.active
    top, left = (max(0, side - PIECE) // 2 // PERIOD * PERIOD for side in (area.height, area.width))
    piece = photo.frame.cut(top, left, min(PIECE, area.height), min(PIECE, area.width))
    return dataclasses.replace(photo, frame=piece)


def _denoised(photo: Examined, settings: DenoiseSettings, device: torch.device) -> RealPhoto:
    def planes(frame: RawFrame) -> Tensor:
        return torch.from_numpy(frame.layout.pack(photo.levels.to_linear(frame.samples))).to(device)

    noise = plane_noise(photo.frame.layout, photo.found.noise)
    return RealPhoto(
        planes(photo.frame),
        planes(clean_frame(photo, settings)),
        noise.mapped(lambda values: torch.as_tensor(values, dtype=torch.float32, device=device)),
    )


def _crop(photo: RealPhoto, side: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noisy and denoised planes of one random place."""
    top, left = (int(torch.randint(size - side + 1, (), generator=rng)) for size in photo.noisy.shape[1:])
    rows, columns = slice(top, top + side), slice(left, left + side)
    return photo.noisy[:, rows, columns], photo.denoised[:, rows, columns]

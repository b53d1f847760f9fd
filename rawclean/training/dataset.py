"""Photos in memory to batches of clean and noisy planes, made on the device in use.

The mosaic is sampled after flips and quarter turns of the photo, so that augmentation preserves the Bayer pattern
(Liu et al. 2019).
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.layout import noise_of_planes
from rawclean.errors import TrainingError
from rawclean.io.images import list_photos, read_photo
from rawclean.synthesis.noise_draw import NoiseRangeConfig, draw_noise
from rawclean.synthesis.sampling import sample
from rawclean.synthesis.sensor_effects import SensorConfig, expose
from rawclean.synthesis.told_noise import ToldConfig, tell_noise
from rawclean.synthesis.unprocess import camera_colours, draw_camera, linear_of_code
from rawclean.training.batch import Batch, generator_on, origin_of


@dataclass(frozen=True, slots=True)
class Synthesis:
    """How noise is added to clean photos."""

    noise: NoiseRangeConfig = field(default_factory=NoiseRangeConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    told: ToldConfig = field(default_factory=ToldConfig)
    mosaic: CfaFamily = CfaFamily.BAYER
    """What the sensor samples the photo through."""


class PhotoCrops:
    """Draws training batches from photos; each photo is also held at half size, where it is sharper and cleaner."""

    def __init__(self, photos: Sequence[Tensor], synthesis: Synthesis, device: torch.device, origin: str = "") -> None:
        self._photos = [photo.to(device) for full in photos for photo in (full, _half(full)) if photo.numel()]
        self._origin = origin
        self._synthesis = synthesis
        self._device = device
        self._linear_of_code = linear_of_code().to(device)

    @classmethod
    def from_folders(cls, folders: Sequence[Path], synthesis: Synthesis, device: torch.device) -> "PhotoCrops":
        """Read every PNG and JPEG of `folders`; raises TrainingError where there is none."""
        paths = photos_of(folders)
        return cls([torch.from_numpy(read_photo(path)) for path in paths], synthesis, device, origin_of(paths))

    @property
    def origin(self) -> str:
        """As `Crops.origin`."""
        return self._origin

    @property
    def mosaic(self) -> CfaFamily:
        """What the photos are sampled through."""
        return self._synthesis.mosaic

    def through(self, mosaic: CfaFamily) -> "PhotoCrops":
        """The same photos, held once, as another mosaic samples them."""
        other = copy.copy(self)
        other._synthesis = replace(self._synthesis, mosaic=mosaic)
        return other

    def draw(self, count: int, crop: int, rng: torch.Generator) -> Batch:
        """Draw `count` crops of `crop` x `crop` mosaic samples; `rng`, on the CPU, is the only source of chance."""
        fitting = [photo for photo in self._photos if min(photo.shape[1:]) >= crop]
        if not fitting:
            raise TrainingError(f"every training photo is smaller than a crop of {crop} px; lower the crop size")
        areas = torch.tensor([float(photo.shape[1] * photo.shape[2]) for photo in fitting])
        chosen = torch.multinomial(areas.sqrt(), count, replacement=True, generator=rng)
        codes = torch.stack([_augmented_crop(fitting[index], crop, rng) for index in chosen.tolist()])
        device_rng = generator_on(self._device, rng)
        camera = draw_camera(count, device_rng, self._device)
        synthesis = self._synthesis
        clean = sample(synthesis.mosaic, camera_colours(self._linear_of_code[codes.long()], camera))
        drawn = draw_noise(count, synthesis.noise, device_rng, self._device)
        noise = noise_of_planes(synthesis.mosaic, drawn)
        noisy = expose(clean, noise, synthesis.sensor, device_rng)
        return Batch(clean, noisy, noise, tell_noise(noise, synthesis.told, device_rng))


def photos_of(folders: Sequence[Path]) -> list[Path]:
    """The photos to train on; raises TrainingError where there is none."""
    paths = [path for folder in folders for path in list_photos(folder)]
    if not paths:
        raise TrainingError(f"no PNG or JPEG photos in {', '.join(map(str, folders))}")
    return paths


def _half(photo: Tensor) -> Tensor:
    """Average 2x2 pixels of (3, H, W) uint8; what is narrower than that leaves nothing."""
    if min(photo.shape[1:]) < 2:
        return photo[:, :0]
    return functional.avg_pool2d(photo.float()[None], 2)[0].round().to(torch.uint8)


def _augmented_crop(photo: Tensor, crop: int, rng: torch.Generator) -> Tensor:
    """A crop (3, crop, crop) at a random place, flipped and turned at random."""
    top, left = (int(torch.randint(side - crop + 1, (), generator=rng)) for side in photo.shape[1:])
    piece = photo[:, top : top + crop, left : left + crop]
    flips, turns = (int(torch.randint(high, (), generator=rng)) for high in (2, 4))
    return torch.rot90(piece.flip(2) if flips else piece, turns, (1, 2))

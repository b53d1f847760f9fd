"""Photos to clean mosaics with known noise: the benchmark's protocol.

Each photo is unprocessed (Brooks et al. 2019) with a camera drawn from a generator seeded by its place in the sorted
folder, cropped to a multiple of 16 pixels; noise is drawn per photo and level. NumPy's generator is part of the
protocol, so that figures compare with those of others who use it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.colour import SRGB_TO_XYZ
from rawclean.core.layout import noise_of_planes
from rawclean.core.noise import NoiseModel, read_on_line
from rawclean.core.xtrans import PERIOD
from rawclean.errors import UnreadablePhotoError
from rawclean.io.images import list_photos, read_photo
from rawclean.synthesis.develop import develop
from rawclean.synthesis.sampling import sample
from rawclean.synthesis.unprocess import (
    XYZ_TO_CAMERA,
    CameraDraw,
    camera_colours,
    linear_of_code,
)

SHOT_LEVELS = (1e-4, 4e-4, 1.6e-3, 6.4e-3, 1.2e-2)
SIDE_MULTIPLE = 16
DND_SLOPE, DND_OFFSET = 2.26, 3.26
"""log read = 2.26 log shot + 3.26: the best line through the 50 noise functions that come with DND."""


class ReadLine(Enum):
    """Which read noise goes with a shot noise."""

    BENCHMARK = "benchmark"
    """The line of the protocol, which Brooks et al. 2019 print for DND."""
    DND = "dnd"
    """DND's own: 3.8 to 5.5 times the variance."""

    def variance(self, shot: float) -> float:
        """Read variance at this shot noise."""
        dnd = math.exp(DND_OFFSET) * math.pow(shot, DND_SLOPE)
        return dnd if self is ReadLine.DND else read_on_line(shot)


@dataclass(frozen=True, slots=True)
class Scene:
    """One clean photo."""

    index: int
    name: str
    clean: np.ndarray
    """Planes (4, H, W) of a Bayer or (9, H, W) of an X-Trans mosaic, linear, in [0, 1]."""
    camera: CameraDraw
    """Of one camera, B = 1."""

    def srgb(self, planes: np.ndarray) -> np.ndarray:
        """What `planes` look like, (3, 2H, 2W) sRGB, by the scene's own camera."""
        gains = self.camera.inverse_gains[0]
        to_srgb = torch.linalg.inv(self.camera.srgb_to_camera[0])
        return develop(torch.from_numpy(planes), gains[1] / gains, to_srgb).numpy()

    def noisy(self, shot: float, draw: int = 0, read: ReadLine = ReadLine.BENCHMARK) -> tuple[np.ndarray, NoiseModel]:
        """The planes with shot noise and the read noise of a line; `draw` counts repetitions with other noise."""
        noise = noise_of_planes(self.mosaic, NoiseModel.uniform(shot, read.variance(shot)))
        rng = np.random.default_rng([self.index, round(shot * 1e7), draw])
        normal = rng.standard_normal(self.clean.shape, dtype=np.float32)
        return self.clean + normal * np.sqrt(noise.variance(self.clean)), noise

    @property
    def mosaic(self) -> CfaFamily:
        """What the planes are packed from."""
        return CfaFamily.of_planes(len(self.clean))


def read_scenes(folder: Path, limit: int | None = None, mosaic: CfaFamily = CfaFamily.BAYER) -> Iterator[Scene]:
    """The first `limit` photos of a folder as clean planes, sampled through `mosaic`.

    Raises UnreadablePhotoError where there is none, or where one is too small.
    """
    paths = list_photos(folder)
    if not paths:
        raise UnreadablePhotoError(f"{folder}: no PNG or JPEG photos to measure on")
    for index, path in enumerate(paths[:limit]):
        camera = draw_protocol_camera(seed=1000 + index)
        clean = clean_planes(read_photo(path), camera, mosaic)
        if not clean.size:
            raise UnreadablePhotoError(
                f"{path}: has less than {SIDE_MULTIPLE} pixels on a side; take it out of the folder"
            )
        yield Scene(index, path.name, clean, camera)


def clean_planes(photo: NDArray[np.uint8], camera: CameraDraw, mosaic: CfaFamily = CfaFamily.BAYER) -> np.ndarray:
    """Unprocess one photo (3, H, W) uint8 to planes (4, H/2, W/2) of `camera`, or nine planes of X-Trans."""
    multiple = SIDE_MULTIPLE if mosaic is CfaFamily.BAYER else PERIOD
    height, width = (side // multiple * multiple for side in photo.shape[1:])
    linear = linear_of_code()[torch.from_numpy(photo[:, :height, :width]).long()]
    return sample(mosaic, camera_colours(linear[None], camera))[0].numpy()


def draw_protocol_camera(seed: int) -> CameraDraw:
    """One of the three cameras, white balance and exposure, in the protocol's order of draws."""
    rng = np.random.default_rng(seed)
    matrix = XYZ_TO_CAMERA[int(rng.integers(len(XYZ_TO_CAMERA)))] @ torch.from_numpy(SRGB_TO_XYZ)
    red, blue = rng.uniform(1.9, 2.4), rng.uniform(1.5, 1.9)
    exposure = float(rng.normal(0.8, 0.1))
    gains = torch.tensor([[exposure / red, exposure, exposure / blue]], dtype=torch.float32)
    return CameraDraw((matrix / matrix.sum(1, keepdim=True))[None], gains)

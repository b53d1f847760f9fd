"""An ordinary photo to a noisy DNG of known noise, so that anyone can try the denoiser without a camera."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rawclean.core.bayer import BayerPattern, unpack_rggb
from rawclean.core.colour import SRGB_TO_XYZ, Colour
from rawclean.core.frame import ActiveArea, Camera, Exposure, RawFrame
from rawclean.core.levels import Levels
from rawclean.core.noise import NoiseModel
from rawclean.errors import UnreadablePhotoError, UsageError
from rawclean.evaluation.scenes import clean_planes, draw_protocol_camera
from rawclean.io.atomic import check_target, write_atomically
from rawclean.io.dng.build import new_dng
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.images import read_photo
from rawclean.io.noise_profiles import typical_iso
from rawclean.io.raw_photo import RawPhoto
from rawclean.io.tiff.metadata import Metadata
from rawclean.synthesis.noise_draw import add_noise
from rawclean.synthesis.unprocess import CameraDraw

MIN_SIDE = 32
"""Smallest side of a picture, in pixels, of which a photo can be made."""
BLACK, WHITE = 1024.0, 16383.0
"""Levels of the imagined 14-bit camera; the pedestal keeps negative noise."""
CAMERA = Camera("rawclean", "Simulated 14 bit")


@dataclass(frozen=True, slots=True)
class SimulateSettings:
    """What the imagined camera did."""

    noise: NoiseModel
    seed: int = 0
    """Draws the noise alone, so that several shots of one camera and one exposure can be had."""
    camera_seed: int = 0
    """Draws white balance, exposure and colour matrix."""
    overwrite: bool = False


def simulate_dng(photo: Path, output: Path, settings: SimulateSettings, clean_output: Path | None = None) -> None:
    """Write `photo` as the DNG a noisy camera would have made, and, where asked for, the same without noise.

    Raises UnreadablePhotoError, UsageError or OutputError.
    """
    targets = [path for path in (output, clean_output) if path is not None]
    for path in targets:
        if path.suffix.lower() != ".dng":
            raise UsageError(f"{path}: what is simulated is a DNG; give it a name that ends in .dng")
        check_target(path, photo, overwrite=settings.overwrite)
    if clean_output is not None and output.resolve() == clean_output.resolve():
        raise UsageError(f"{output}: cannot hold two photos; name another for --clean")
    camera = draw_protocol_camera(settings.camera_seed)
    picture = read_photo(photo)
    if min(picture.shape[1:]) < MIN_SIDE:
        raise UnreadablePhotoError(f"{photo}: is smaller than {MIN_SIDE} pixels; take a larger picture")
    clean = clean_planes(picture, camera)
    noisy = add_noise(torch.from_numpy(clean), settings.noise, torch.Generator().manual_seed(settings.seed)).numpy()
    silent = NoiseModel.uniform(0.0, 0.0)
    for path, planes, noise in zip(targets, (noisy, clean), (settings.noise, silent), strict=False):
        frame = _frame(planes, camera, typical_iso(float(noise.shot[0])))
        content = DenoisedPhoto(RawPhoto(photo, frame, Metadata()), residual=noise, strength=0.0)
        write_atomically(path, [new_dng(content)])


def _frame(planes: np.ndarray, camera: CameraDraw, iso: float | None) -> RawFrame:
    """The planes as the raster of an RGGB camera, clipped and rounded to its codes."""
    height, width = 2 * planes.shape[1], 2 * planes.shape[2]
    levels = Levels(np.full((2, 2), BLACK, np.float32), WHITE)
    codes = levels.to_adu(unpack_rggb(planes, BayerPattern.RGGB, (height, width))).round().clip(0, WHITE)
    red, green, blue = camera.inverse_gains[0].tolist()
    return RawFrame(
        raster=codes,
        active=ActiveArea(0, 0, height, width),
        layout=BayerPattern.RGGB,
        levels=levels,
        colour=Colour((green / red, 1.0, green / blue), camera.srgb_to_camera[0].numpy() @ np.linalg.inv(SRGB_TO_XYZ)),
        camera=CAMERA,
        exposure=Exposure(iso, None, None, None, None),
        orientation=1,
        noise_profile=None,
    )

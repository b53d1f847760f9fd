"""DNG files of any layout, made with the project's writer and then bent tag by tag."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rawclean.core.bayer import BayerPattern
from rawclean.core.frame import ActiveArea, Camera, Colour, Exposure, RawFrame
from rawclean.core.levels import Levels
from rawclean.core.noise import NoiseModel
from rawclean.io import metadata as tags
from rawclean.io.dng import DenoisedPhoto
from rawclean.io.dng_build import new_dng
from rawclean.io.metadata import Metadata
from rawclean.io.tiff import Directory, Entry, Tiff, TiffCanvas

SHOT, READ = 1e-3, 1e-6


def textured_mosaic(height: int, width: int, black: float, white: float, seed: int = 0) -> Tensor:
    """A ramp with noise, integer ADU, some of it clipped at white."""
    rng = torch.Generator().manual_seed(seed)
    ramp = torch.linspace(0, 1.1, width).expand(height, width)
    noisy = ramp + torch.randn(height, width, generator=rng) * (SHOT * ramp + READ).sqrt()
    return (noisy * (white - black) + black).round().clamp(0, white)


def make_frame(
    size: tuple[int, int] = (64, 96),
    pattern: BayerPattern = BayerPattern.RGGB,
    black: Iterable[float] = (512, 512, 512, 512),
    white: float = 16383,
    margins: tuple[int, int] = (0, 0),
) -> RawFrame:
    """A photo of `size` visible samples with `margins` (top, left) of masked ones around it."""
    levels = Levels(torch.tensor(list(black)).reshape(2, 2).float(), white)
    top, left = margins
    raster = torch.full((size[0] + top, size[1] + left), float(levels.black[0, 0]))
    raster[top:, left:] = textured_mosaic(*size, float(levels.black.max()), white)
    return RawFrame(
        raster=raster,
        active=ActiveArea(top, left, *size),
        pattern=pattern,
        levels=levels,
        colour=Colour((2.0, 1.0, 1.5), torch.eye(3) * 0.7),
        camera=Camera("Maker", "Maker One"),
        exposure=Exposure(400, 0.01, 2.8, 50, None),
        orientation=1,
        noise_profile=None,
        source=Path("none"),
    )


def write_dng(path: Path, frame: RawFrame, changes: Iterable[Entry] = (), dropped: Iterable[int] = ()) -> Path:
    """Write `frame` as a DNG, with `changes` made to the tags of its raw directory."""
    photo = DenoisedPhoto(frame, NoiseModel.uniform(SHOT, READ), 0.0)
    data = bytes(new_dng(photo, Metadata(), np.full((12, 16, 3), 99, dtype=np.uint8)))
    tiff = Tiff(data)
    canvas = TiffCanvas(tiff)
    first = tiff.first()
    raw = tiff.children(first, tags.SUB_IFDS)[0].with_entries(changes, dropped)
    link = tiff.encode(tags.SUB_IFDS, 4, [canvas.write_directory(raw)])
    canvas.set_first(canvas.write_directory(Directory(0, first.with_entries([link]).entries)))
    path.write_bytes(canvas.finish())
    return path


def entry(tag: int, kind: int, values: Iterable[float]) -> Entry:
    """A little-endian entry for `write_dng`."""
    return Tiff(b"II*\0\0\0\0\0").encode(tag, kind, list(values))

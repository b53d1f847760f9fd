"""What a photo looks like, small: from the samples in memory, as `render` develops, without decoding the file again.

A pixel is the mean of the samples of each colour in one block of the mosaic, so nothing need be demosaiced.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rawclean.core.bayer import BayerPattern
from rawclean.core.block_means import block_means
from rawclean.core.colour import Colour
from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.xtrans import BLOCK, PLANE_COLOURS, XTransPattern
from rawclean.io.pictures import jpeg_bytes

LONGEST_SIDE = 1024
"""Of a preview that the source did not have."""
_CODES = 1 << 16


class Preview:
    """The visible part of a photo, lying as the sensor does, to be had at several sizes."""

    def __init__(self, frame: RawFrame) -> None:
        self._frame = frame

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a new preview, with square pixels."""
        height, width = self._means.shape[1:]
        aspect = self._frame.pixel_aspect
        height, width = height * max(1.0, 1 / aspect), width * max(1.0, aspect)
        scale = min(1.0, LONGEST_SIDE / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def jpeg(self, size: tuple[int, int]) -> bytes:
        """A JPEG file of `size` (height, width)."""
        least = min(have // want for have, want in zip(self._means.shape[1:], size, strict=True))
        return jpeg_bytes(self.pixels(max(1, least)), size)

    def pixels(self, step: int) -> NDArray[np.uint8]:
        """(H, W, 3), each a mean over `step` x `step` blocks of the mosaic."""
        means = block_means(self._means, step)
        linear = means if self._frame.layout is PlainLayout.MONOCHROME else _to_srgb(means, self._frame.colour)
        codes = (linear.clip(0, 1) * np.float32(_CODES - 1)).astype(np.uint16)
        return np.ascontiguousarray(np.moveaxis(_curve()[codes], 0, -1))

    @cached_property
    def _means(self) -> np.ndarray:
        return _colours(self._frame.layout, self._frame.levels.to_linear(self._frame.samples))


def _to_srgb(camera: np.ndarray, colour: Colour) -> np.ndarray:
    """Balanced and clipped, camera colours (3, H, W) in linear sRGB."""
    gains = np.array(colour.wb_gains, np.float32)
    balanced = camera * (gains / gains.min())[:, None, None]  # no colour is clipped below white
    return np.tensordot(colour.camera_to_srgb, balanced.clip(0, 1), axes=1)


def _colours(layout: Layout, linear: np.ndarray) -> np.ndarray:
    """Mean R, G and B (3, h, w) of each whole block of samples (H, W) or (3, H, W)."""
    if isinstance(layout, XTransPattern):
        planes = layout.pack(linear)[:, -(-layout.row // BLOCK) :, -(-layout.column // BLOCK) :]
        return np.stack([planes[np.equal(PLANE_COLOURS, colour)].mean(0) for colour in range(3)])
    if isinstance(layout, PlainLayout):
        means = block_means(linear, 2)
        return means if layout is PlainLayout.LINEAR_RGB else np.repeat(means[None], 3, axis=0)
    return _bayer_colours(layout, linear)


def _bayer_colours(pattern: BayerPattern, linear: np.ndarray) -> np.ndarray:
    height, width = (side // 2 * 2 for side in linear.shape)
    red, first_green, second_green, blue = (linear[i:height:2, j:width:2] for i, j in pattern.plane_sites)
    return np.stack([red, (first_green + second_green) / 2, blue])


def _curve() -> NDArray[np.uint8]:
    """Code of each linear value of 16 bits: ITU-R BT.709's curve, as LibRaw has it by default."""
    linear = np.arange(_CODES) / (_CODES - 1)
    return (np.where(linear < 0.018, 4.5 * linear, 1.099 * linear**0.45 - 0.099) * 255).round().astype(np.uint8)

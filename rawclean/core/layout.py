"""How the samples of a sensor lie, and the four planes that a network sees of them.

A Bayer mosaic is packed into R, Gr, Gb and B (`bayer`). The other layouts borrow the same planes and so the same
networks: a monochrome image becomes a mosaic whose colours agree, a demosaiced one gives its green twice.
"""

from enum import Enum
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from rawclean.core.bayer import BayerPattern, pack_rggb, unpack_rggb
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import NoiseModel
from rawclean.core.xtrans import PLANE_COLOURS, XTransPattern

REPEATED_GREEN = 1.5
"""Factor on the variance of a green that is given twice, so that the network does not take agreement for certainty.

Measured with noise on all three colours of nine photos: factors 1, 1.5, 2 and 3 give 54.32, 54.48, 54.32 and 54.01 dB
at shot noise 1e-4, and 39.01, 40.56, 40.49 and 40.07 dB at 1.2e-2; 1.5 is best at the three levels between, too.
"""


ONE_OF_EACH = [5, 0, 4, 7]
"""A red, two green and a blue plane of X-Trans."""


class PlainLayout(Enum):
    """Images without a colour filter array; the value is the number of samples per pixel."""

    MONOCHROME = 1
    """(H, W)."""
    LINEAR_RGB = 3
    """(3, H, W), demosaiced or never mosaiced."""

    @property
    def samples_per_pixel(self) -> int:
        """One, or one per colour."""
        return self.value

    def pack(self, samples: np.ndarray) -> np.ndarray:
        """Samples (H, W) or (3, H, W) to planes (4, H', W')."""
        if self is PlainLayout.MONOCHROME:
            return pack_rggb(samples, BayerPattern.RGGB)
        return samples[[0, 1, 1, 2]]

    def unpack(self, planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Undo `pack` for an image of `size` (H, W)."""
        if self is PlainLayout.MONOCHROME:
            return unpack_rggb(planes, BayerPattern.RGGB, size)
        green = planes[1] & planes[2] if planes.dtype == bool else (planes[1] + planes[2]) / 2
        return np.stack([planes[0], green, planes[3]])


Layout = BayerPattern | XTransPattern | PlainLayout


def mosaic_of(layout: Layout) -> CfaFamily:
    """The family whose networks denoise this layout."""
    return CfaFamily.XTRANS if isinstance(layout, XTransPattern) else CfaFamily.BAYER


def packed_layout(mosaic: CfaFamily) -> Layout:
    """The layout whose planes are in the order in which networks of a family see them."""
    return XTransPattern(0, 0) if mosaic is CfaFamily.XTRANS else BayerPattern.RGGB


def plane_noise(layout: Layout, noise: NoiseModel) -> NoiseModel:
    """What a network must be told of the `noise` of samples, so that it treats the planes of `layout` rightly."""
    if isinstance(layout, XTransPattern):
        return noise_of_planes(CfaFamily.XTRANS, noise)
    if layout is not PlainLayout.LINEAR_RGB:
        return noise
    factor = np.array([1, REPEATED_GREEN, REPEATED_GREEN, 1], np.float32)
    return NoiseModel(noise.shot * factor, noise.read * factor)


def plane_clip(layout: Layout, clip: np.ndarray) -> np.ndarray:
    """The clip levels (4,) of R, Gr, Gb and B for the planes of `layout`."""
    return clip[[0, 1, 3]][list(PLANE_COLOURS)] if isinstance(layout, XTransPattern) else clip


def saturated_sites(layout: Layout, planes: np.ndarray, clip: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Which of the samples (..., *size), linear `planes`, are at the clip levels (4,) of R, Gr, Gb and B: bool."""
    return layout.unpack(planes >= plane_clip(layout, clip)[:, None, None], size)


def noise_of_planes(mosaic: CfaFamily, noise: NoiseModel) -> NoiseModel:
    """The noise (..., 4) of R, Gr, Gb and B for the planes of `mosaic`, (..., planes)."""
    if mosaic is CfaFamily.BAYER:
        return noise
    return noise.mapped(_of_nine)


def noise_of_colours(noise: NoiseModel) -> NoiseModel:
    """The noise of R, Gr, Gb and B (4, ...), given that of the planes of a mosaic (P, ...)."""
    return noise.mapped(one_of_each)


def one_of_each(planes: Any) -> Any:
    """R, G, G and B (4, ...) of what is given for each plane of a mosaic (P, ...)."""
    return planes if len(planes) == CfaFamily.BAYER.planes else planes[ONE_OF_EACH]


def independent_planes(layout: Layout, samples: np.ndarray) -> np.ndarray:
    """Planes (4, H', W') that share no sample, to estimate noise in."""
    if isinstance(layout, XTransPattern):
        return one_of_each(layout.pack(samples))
    if layout is not PlainLayout.LINEAR_RGB:
        return layout.pack(samples)
    height, width = (side // 2 * 2 for side in samples.shape[1:])
    sites = zip((0, 1, 1, 2), BayerPattern.RGGB.plane_sites, strict=True)
    return np.stack([samples[colour, i:height:2, j:width:2] for colour, (i, j) in sites])


def _of_nine(values: Any) -> Any:
    """Values (..., 4) of R, Gr, Gb and B for the nine planes of X-Trans."""
    xp = array_namespace(values)
    colours = xp.stack([values[..., 0], (values[..., 1] + values[..., 2]) / 2, values[..., 3]], axis=-1)
    return colours[..., list(PLANE_COLOURS)]

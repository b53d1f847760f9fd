"""The noise of brightness and of colour, told apart as the developed photo shows them, so that each can be left.

Brightness is grey: the luminance of the noise, the same in all white-balanced colours; and what the greens of a period
differ by, which a developer takes for detail. Colour is the rest, whose luminance is zero. So what is left of the one
has no tint, and taking the other away does not touch it. (The directions that are uncorrelated in units of sigma would
leave a grain that is green and magenta: nearly all luminance is that of green sites.)
"""

from dataclasses import dataclass

import numpy as np

from rawclean.core.colour import SRGB_TO_XYZ, Colour
from rawclean.core.layout import Layout, PlainLayout, mosaic_of, noise_of_planes, one_of_each
from rawclean.core.noise import NoiseModel
from rawclean.core.shares import Shares
from rawclean.core.xtrans import PLANE_COLOURS, XTransPattern

_LUMINANCE = SRGB_TO_XYZ[1]
_GREEN = 1


@dataclass(frozen=True, slots=True, eq=False)
class Removal:
    """What is taken away of the noise that is found in planes (P, ...)."""

    lines: float = 1.0
    """Share of what whole rows and columns are too high, which is brightness."""
    mix: np.ndarray | None = None
    """(P, P) float32: what is taken from each plane, of the noise of every plane; None is the share `lines` of each."""

    def of(self, noise: np.ndarray) -> np.ndarray:
        """What is to be subtracted from planes with this `noise` (P, ...)."""
        if self.mix is None:
            return np.float32(self.lines) * noise
        return np.tensordot(self.mix, noise, axes=1)


WHOLE = Removal()


def removal_of(shares: Shares, layout: Layout, colour: Colour) -> Removal:
    """How `shares` are taken away in a photo of this layout and these colours."""
    if shares.luminance == shares.colour:
        return Removal(shares.luminance)
    seen = _planes_of(layout)
    mix = shares.colour * np.eye(len(seen)) + (shares.luminance - shares.colour) * _brightness(seen, colour)
    return Removal(shares.luminance, mix.astype(np.float32))


def noise_left(removal: Removal, network: float, layout: Layout, noise: NoiseModel, colour: Colour) -> NoiseModel:
    """The noise (4,) of a photo that had `noise` (4,), of which a network leaves the share `network` of sigma.

    A plane that is given noise of another colour has it as strong as where that colour is grey.
    """
    if removal.mix is None:
        return noise.times((1 - removal.lines * (1 - network)) ** 2)
    seen, before = _planes_of(layout), noise_of_planes(mosaic_of(layout), noise)
    left = np.eye(len(seen)) - (1 - network) * removal.mix
    if layout is PlainLayout.LINEAR_RGB:  # its green is there twice
        left = np.stack([left[:, 0], left[:, 1] + left[:, 2], np.zeros(len(seen)), left[:, 3]], axis=1)
    gains = np.array(colour.wb_gains)[seen]
    shot = (left**2 * (gains[:, None] / gains)) @ before.shot
    after = NoiseModel(shot.astype(np.float32), (left**2 @ before.read).astype(np.float32))
    return after.mapped(one_of_each)


def _planes_of(layout: Layout) -> np.ndarray:
    """Index into R, G, B of each plane."""
    if isinstance(layout, XTransPattern):
        return np.array(PLANE_COLOURS)
    return np.array([_GREEN] * 4 if layout is PlainLayout.MONOCHROME else [0, 1, 1, 2])


def _brightness(seen: np.ndarray, colour: Colour) -> np.ndarray:
    """What is brightness of the noise in all planes, (P, P): a projection."""
    gains, counts = np.array(colour.wb_gains)[seen], np.bincount(seen, minlength=3)[seen]
    grey, luminance = 1 / gains, (_LUMINANCE @ colour.camera_to_srgb)[seen] * gains / counts
    green = (seen == _GREEN).astype(float)
    between_greens = np.diag(green) - np.outer(green, green) / green.sum()
    return np.outer(grey, luminance) / (luminance @ grey) + between_greens

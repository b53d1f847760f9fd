"""What runs a model on a tile: one interface, whatever computes behind it."""

from typing import Protocol

import numpy as np

from rawclean.core.noise import NoiseModel


class Engine(Protocol):
    """A model ready to run."""

    @property
    def name(self) -> str:
        """Program, device and number format, for people."""

    @property
    def workers(self) -> int:
        """How many tiles may be under way at a time, each in its own thread."""

    @property
    def multiple_of(self) -> int:
        """Height and width of a window must be a multiple of this."""

    @property
    def halo(self) -> int:
        """Farthest sample, in rows or columns beyond a tile of whole `multiple_of`, that its noise depends on."""

    def predict_noise(self, window: np.ndarray, noise: NoiseModel) -> np.ndarray:
        """The noise of a linear `window` (P, H, W) in linear units, float32; fields of `noise` are (P,)."""

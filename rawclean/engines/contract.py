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
    def reach(self) -> int:
        """Farthest sample, in rows or columns of a plane, that the noise of a sample depends on."""

    def predict_noise(self, window: np.ndarray, noise: NoiseModel) -> np.ndarray:
        """The noise of a linear `window` (P, H, W) in linear units, float32; fields of `noise` are (P,)."""

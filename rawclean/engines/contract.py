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
        """Samples around a tile that it must be given: whole `multiple_of`, and as far as its noise looks."""

    def predict_noise(self, window: np.ndarray, noise: NoiseModel) -> np.ndarray:
        """The noise of a linear `window` (P, H, W) less its halo, linear, float32; fields of `noise` are (P,)."""

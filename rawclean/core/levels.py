"""Sensor units and linear signal: black becomes 0, white 1, nothing is clipped at either end.

Samples count from the top-left of the visible area. As the DNG specification has it (chapter 5), all sites share one
scale: white less the highest black.
"""

from dataclasses import dataclass

import numpy as np

from rawclean.errors import InvalidLevelsError


@dataclass(frozen=True, slots=True)
class Levels:
    """Black and white of a mosaic, in sensor units (ADU)."""

    black: np.ndarray
    """(rows, columns) that repeat from the top-left of the visible area; (3, 1, 1) of a demosaiced image."""
    white: float
    """Level at which a sample is clipped."""

    def __post_init__(self) -> None:
        blacks = self.black.ravel().tolist()
        if not all(0 <= black < self.white for black in blacks):
            raise InvalidLevelsError(
                f"black levels {blacks[:4]} are not from 0 to below white, {self.white:g}; the file's levels are wrong"
            )

    @property
    def scale(self) -> float:
        """ADU per unit of linear signal."""
        return self.white - float(self.black.max())

    def shifted(self, rows: int, columns: int) -> "Levels":
        """The levels of a mosaic's piece that begins so many sites further down and further right."""
        return Levels(np.roll(self.black, (-rows, -columns), (-2, -1)), self.white)

    def to_linear(self, samples: np.ndarray) -> np.ndarray:
        """Samples (..., H, W) in ADU to linear signal."""
        linear = samples - self._black_map(samples)
        linear /= np.float32(self.scale)
        return linear

    def to_adu(self, linear: np.ndarray) -> np.ndarray:
        """Linear signal (..., H, W) to ADU."""
        samples = linear * np.float32(self.scale)
        samples += self._black_map(linear)
        return samples

    def to_adu_at(self, linear: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Linear signal (N,) at `places` (N, 2) of a mosaic to ADU."""
        rows, columns = self.black.shape
        return linear * self.scale + self.black[places[:, 0] % rows, places[:, 1] % columns]

    def _black_map(self, samples: np.ndarray) -> np.ndarray:
        if (self.black == self.black.flat[0]).all():
            return self.black.ravel()[:1]
        repeats = [-(-side // period) for side, period in zip(samples.shape[-2:], self.black.shape[-2:], strict=True)]
        return np.tile(self.black, repeats)[..., : samples.shape[-2], : samples.shape[-1]]

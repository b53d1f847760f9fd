"""Sensor units and linear signal: black becomes 0, white 1, nothing is clipped at either end.

Samples count from the top-left of the visible area. As the DNG specification has it (chapter 5), all sites share one
scale: white less the highest black.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.errors import InvalidLevelsError


@dataclass(frozen=True, slots=True)
class Levels:
    """Black and white of a mosaic, in sensor units (ADU)."""

    black: Tensor
    """(rows, columns) that repeat from the top-left of the visible area; (3, 1, 1) of a demosaiced image."""
    white: float
    """Level at which a sample is clipped."""

    def __post_init__(self) -> None:
        blacks = self.black.flatten().tolist()
        if not all(0 <= black < self.white for black in blacks):
            raise InvalidLevelsError(
                f"black levels {blacks[:4]} are not from 0 to below white, {self.white:g}; the file's levels are wrong"
            )

    @property
    def scale(self) -> float:
        """ADU per unit of linear signal."""
        return self.white - float(self.black.max())

    def to_linear(self, samples: Tensor) -> Tensor:
        """Samples (..., H, W) in ADU to linear signal."""
        return (samples - self._black_map(samples)) / self.scale

    def to_adu(self, linear: Tensor) -> Tensor:
        """Linear signal (..., H, W) to ADU."""
        return linear * self.scale + self._black_map(linear)

    def to_adu_at(self, linear: Tensor, places: Tensor) -> Tensor:
        """Linear signal (N,) at `places` (N, 2) of a mosaic to ADU."""
        rows, columns = self.black.shape
        return linear * self.scale + self.black[places[:, 0] % rows, places[:, 1] % columns]

    def _black_map(self, samples: Tensor) -> Tensor:
        if bool((self.black == self.black.flatten()[0]).all()):
            return self.black.flatten()[0]
        repeats = [-(-side // period) for side, period in zip(samples.shape[-2:], self.black.shape[-2:], strict=True)]
        return torch.tile(self.black, repeats)[..., : samples.shape[-2], : samples.shape[-1]]

"""The noise of a sensor: Var(x) = shot * x + read on the linear signal x in [0, 1].

This is the model of the DNG NoiseProfile tag (51041) and of Foi et al. 2008; synthesis, training, inference and the
profile of the result all use this one definition.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.limits import MAX_VARIANCE
from rawclean.core.local_mean import local_mean
from rawclean.errors import InvalidNoiseError

MID_GREY = 0.18
"""Signal at which noise levels are compared."""

SIGMA_FLOOR = 1e-6
"""Least sigma that a map holds: 1/16 of a 16-bit step, so that a noiseless photo divides safely."""

SIGMA_WINDOW = 5
"""Side of the window whose mean signal sets sigma; a single noisy sample would misjudge its own noise."""

READ_SLOPE, READ_OFFSET = 2.18, 1.20
"""log read = 2.18 log shot + 1.20 on the cameras of DND (Brooks et al. 2019)."""


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Noise of one exposure; fields are (..., 4) in the order R, Gr, Gb, B."""

    shot: Tensor
    """Variance added per unit of signal (photon noise)."""
    read: Tensor
    """Variance at zero signal (electronics, quantisation)."""

    @classmethod
    def uniform(cls, shot: float, read: float) -> "NoiseModel":
        """The same noise in all four planes.

        Raises InvalidNoiseError where a value is negative, not finite or above 1.
        """
        return cls.per_plane([shot] * 4, [read] * 4)

    @classmethod
    def per_plane(cls, shot: list[float], read: list[float]) -> "NoiseModel":
        """Noise given for R, Gr, Gb and B; raises InvalidNoiseError as `uniform`."""
        for value in (*shot, *read):
            if not math.isfinite(value) or not 0 <= value <= MAX_VARIANCE:
                raise InvalidNoiseError(
                    f"noise parameters must be finite and between 0 and {MAX_VARIANCE:g}, not {value:g}; "
                    "give them with --noise SHOT,READ or --iso N"
                )
        return cls(torch.tensor(shot, dtype=torch.float32), torch.tensor(read, dtype=torch.float32))

    def variance(self, planes: Tensor) -> Tensor:
        """Noise variance of each sample of `planes` (..., 4, H, W)."""
        shot, read = self.shot[..., None, None], self.read[..., None, None]
        return shot * planes.clamp(min=0) + read

    def sigma_map(self, planes: Tensor) -> Tensor:
        """Standard deviation (B, 4, H, W) expected around each sample of the noisy `planes` (B, 4, H, W)."""
        mean = local_mean(planes, SIGMA_WINDOW)
        return self.variance(mean).sqrt().clamp(min=SIGMA_FLOOR)

    def sigma_at(self, signal: float = MID_GREY) -> float:
        """Standard deviation at one signal level, the root mean square over the planes."""
        return float((self.shot * signal + self.read).mean().sqrt())

    def times(self, factor: float) -> "NoiseModel":
        """The noise of `factor` times the variance."""
        return NoiseModel(self.shot * factor, self.read * factor)

    def to(self, device: torch.device) -> "NoiseModel":
        """The same noise on another device."""
        return NoiseModel(self.shot.to(device), self.read.to(device))


def add_noise(clean: Tensor, noise: NoiseModel, rng: torch.Generator) -> Tensor:
    """Return `clean` (..., 4, H, W) with sensor noise; shadows may go below zero and highlights above one."""
    normal = torch.randn(clean.shape, generator=rng, device=clean.device)
    return clean + normal * noise.variance(clean).sqrt()


def read_on_line(shot: float) -> float:
    """Read variance that DND's cameras have at this shot noise."""
    return math.exp(READ_OFFSET) * math.pow(shot, READ_SLOPE)

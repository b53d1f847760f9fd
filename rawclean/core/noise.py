"""The noise of a sensor: Var(x) = shot * x + read on the linear signal x in [0, 1].

This is the model of the DNG NoiseProfile tag (51041) and of Foi et al. 2008; synthesis, training, inference and the
profile of the result all use this one definition.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rawclean.core.limits import MAX_VARIANCE
from rawclean.errors import InvalidNoiseError

MID_GREY = 0.18
"""Signal at which noise levels are compared."""

SIGMA_FLOOR = 1e-6
"""Least sigma that a network is told: 1/16 of a 16-bit step, so that a noiseless photo divides safely."""

SIGMA_WINDOW = 5
"""Side of the window whose mean signal sets sigma; a single noisy sample would misjudge its own noise."""

LOCAL_MEAN = 5
"""Window in which a network's finest input is centred: half precision spends its bits on noise, not on brightness."""

LARGEST_NOISE = 4.0
"""Sigmas beyond which a deviation is structure: bounds the harm where a photo has less noise than any trained on."""

READ_SLOPE, READ_OFFSET = 2.18, 1.20
"""log read = 2.18 log shot + 1.20 on the cameras of DND (Brooks et al. 2019)."""


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Noise of one exposure; fields are (..., 4) in the order R, Gr, Gb, B, of numpy or, in training, of torch."""

    shot: Any
    """Variance added per unit of signal (photon noise)."""
    read: Any
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
        return cls(np.array(shot, dtype=np.float32), np.array(read, dtype=np.float32))

    def variance(self, planes: Any) -> Any:
        """Noise variance of each sample of `planes` (..., 4, H, W), of the same kind of array."""
        return self.shot[..., None, None] * planes.clip(min=0) + self.read[..., None, None]

    def sigma_at(self, signal: float = MID_GREY) -> float:
        """Standard deviation at one signal level, the root mean square over the planes."""
        return math.sqrt(float((self.shot * signal + self.read).mean()))

    def times(self, factor: float) -> "NoiseModel":
        """The noise of `factor` times the variance."""
        return NoiseModel(self.shot * factor, self.read * factor)

    def mapped(self, change: Callable[[Any], Any]) -> "NoiseModel":
        """The noise with both fields changed alike, as by torch.as_tensor."""
        return NoiseModel(change(self.shot), change(self.read))


def read_on_line(shot: float) -> float:
    """Read variance that DND's cameras have at this shot noise."""
    return math.exp(READ_OFFSET) * math.pow(shot, READ_SLOPE)

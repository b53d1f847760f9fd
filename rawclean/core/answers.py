"""What a network answers to an example that is the same for ever, to see that a machine computes what it should.

The example is a formula and the bytes of SHAKE-128 (FIPS 202): no library's stream of random numbers, which may change.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from rawclean.core.noise import NoiseModel

SIDE = 64
"""Samples of a plane of the example: a multiple of what every network wants."""
SAMPLES = 12
"""Values of an answer that are kept, evenly spread."""
_SHOT, _READ = 1.6e-3, 2.6e-6
"""About ISO 8,000."""
_SEED = b"rawclean"


@dataclass(frozen=True, slots=True)
class Answer:
    """A few figures of what a network says, by which another machine's answer is known."""

    mean: float
    rms: float
    samples: tuple[float, ...]
    """SAMPLES of its values."""

    @classmethod
    def of(cls, values: np.ndarray) -> "Answer":
        """The figures of an answer of any shape, to seven digits, as float32 has them."""
        flat = values.astype(np.float64).ravel()
        picked = flat[np.linspace(0, flat.size - 1, SAMPLES).astype(int)]
        figures = float(flat.mean()), float(np.sqrt(np.square(flat).mean())), *picked.tolist()
        mean, rms, *samples = (float(f"{figure:.7g}") for figure in figures)
        return cls(mean, rms, tuple(samples))

    @property
    def is_finite(self) -> bool:
        """Whether it is one that a sound network can give."""
        return self.rms > 0 and all(map(math.isfinite, (self.mean, self.rms, *self.samples)))

    def distance(self, stored: "Answer") -> float:
        """Root mean square difference of the figures, as a share of the stored rms; not a number where one is none."""
        mine, theirs = (np.array([each.mean, each.rms, *each.samples]) for each in (self, stored))
        return float(np.sqrt(np.square(mine - theirs).mean()) / stored.rms)


def example_values(*shape: int) -> np.ndarray:
    """Values of `shape` from 0 to 1 that look drawn at random, float32."""
    words = np.frombuffer(hashlib.shake_128(_SEED).digest(4 * math.prod(shape)), "<u4")
    return (words / 2**32).astype(np.float32).reshape(shape)


def example_noise(planes: int) -> NoiseModel:
    """The noise of the example; fields are (planes,)."""
    return NoiseModel(np.full(planes, _SHOT, np.float32), np.full(planes, _READ, np.float32))


def example_planes(planes: int) -> np.ndarray:
    """A slope with an edge and noise, linear, (planes, SIDE, SIDE), float32."""
    rows = np.linspace(0.02, 0.3, SIDE, dtype=np.float32)[:, None]
    edge = np.where(np.arange(SIDE) < SIDE // 2, 1, 2).astype(np.float32)
    clean = np.broadcast_to(rows * edge, (planes, SIDE, SIDE))
    even = (example_values(planes, SIDE, SIDE) - 0.5) * np.float32(math.sqrt(12))
    return clean + even * np.sqrt(example_noise(planes).variance(clean))

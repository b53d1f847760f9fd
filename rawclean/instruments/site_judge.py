"""The judge of bad pixels on suspects of a photo: `networks.site_judge`, which training uses, in numpy."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rawclean.core.suspect_sites import FEATURES
from rawclean.instruments.layers import Shapes, Weights, layer_shapes, linear, read_weights
from rawclean.models.manifest import JUDGE, shipped_weights

_LINEAR = {"layers.0": (FEATURES, 48), "layers.2": (48, 24), "layers.4": (24, 1)}


@dataclass(frozen=True, slots=True)
class SiteJudge:
    """A judge ready to be asked."""

    weights: Weights

    @classmethod
    def load(cls, path: Path) -> "SiteJudge":
        """The judge of a weight file; raises ModelError where it is none."""
        scaling: Shapes = {"mean": (FEATURES,), "deviation": (FEATURES,)}
        return cls(read_weights(path, scaling | layer_shapes(_LINEAR)))

    def answers(self, features: np.ndarray) -> np.ndarray:
        """Features (N, FEATURES) to (N,); above zero is a bad pixel."""
        values = (features - self.weights["mean"]) / self.weights["deviation"]
        for layer in ("layers.0", "layers.2"):
            values = linear(values, self.weights, layer).clip(min=0)
        return linear(values, self.weights, "layers.4")[:, 0]


@lru_cache(maxsize=1)
def shipped_judge() -> SiteJudge:
    """The judge that comes with rawclean; raises as `SiteJudge.load`."""
    return SiteJudge.load(shipped_weights() / JUDGE)

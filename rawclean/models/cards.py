"""What is known of a model: what it is for, what it costs, how much noise it leaves."""

import math
from dataclasses import dataclass
from pathlib import Path

from rawclean.core.answers import Answer
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality, Role
from rawclean.core.log_scale import between
from rawclean.core.noise import NoiseModel


@dataclass(frozen=True, slots=True)
class NoiseRange:
    """Noise levels that a model is for: sigma at 18 % signal, low <= sigma < high."""

    low: float = 0.0
    high: float = math.inf

    def __contains__(self, sigma: float) -> bool:
        return self.low <= sigma < self.high


@dataclass(frozen=True, slots=True)
class ResidualPoint:
    """Noise left by a model at one level, measured on photos it was not trained on."""

    sigma: float
    """Of the noisy photo, at 18 % signal."""
    ratio: float
    """Noise variance after over before."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One line of a manifest."""

    name: str
    path: Path
    sha256: str
    role: Role
    network: str
    range: NoiseRange
    parameters: int
    gmac_per_megapixel: float
    recipe: str
    """How the weights were made."""
    residual: tuple[ResidualPoint, ...]
    """By rising sigma."""
    quality: Quality
    mosaic: CfaFamily = CfaFamily.BAYER
    """What it denoises."""
    multiple_of: int = 0
    """Height and width of what its network takes."""
    halo: int = 0
    """Samples of a plane beyond a tile that its network looks at."""
    onnx_sha256: str | None = None
    """Of the ONNX file beside the weights; None where there is none, so that it runs on torch alone."""
    answer: Answer | None = None
    """To the example of `core.answers`, as torch computes it in float32; None in cards of earlier versions."""
    own: bool = False
    """Whether it is one that the user has added."""

    @property
    def onnx_path(self) -> Path:
        """Where the same network lies for other programs than torch."""
        return self.path.with_suffix(".onnx")

    def share_left(self, noise: NoiseModel) -> float:
        """The share of sigma that this model leaves of `noise`, as measured, between by the logarithm of sigma."""
        return math.sqrt(between([(point.sigma, point.ratio) for point in self.residual], noise.sigma_at()))


@dataclass(frozen=True, slots=True)
class InstrumentCard:
    """What a manifest says of a small network that looks at a photo before it is denoised."""

    path: Path
    sha256: str
    answer: Answer
    """To the example of `core.answers`."""

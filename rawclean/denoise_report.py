"""What was done to a photo; known without what does it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """What one witness says of the noise, for people and scripts."""

    origin: str
    sigma: float
    """At 18 % signal."""
    width: float
    """Standard deviation of its logarithm."""


@dataclass(frozen=True, slots=True)
class DenoiseReport:
    """What was done to one photo."""

    source: str
    output: str
    camera: str
    width: int
    height: int
    noise_origin: str
    shot: float
    read: float
    sigma: float
    """At 18 % signal."""
    model: str
    model_sha256: str
    device: str
    evidence: tuple[Statement, ...]
    """What each witness says of the noise."""
    bad_pixels: int
    """Sites that were replaced by their neighbours."""
    correlated: bool
    """Whether the camera has smoothed its noise."""
    clip: tuple[float, ...]
    """Signal at which R, Gr, Gb and B are saturated, of white."""
    warning: str | None
    seconds: dict[str, float]
    """Wall time of decode, noise, network and write."""
    iso: float | None = None
    """By the file; None where it does not say, and in journals of earlier versions."""
    shares: tuple[float, float] = (1.0, 1.0)
    """What was taken of the noise of brightness and of that of colour."""

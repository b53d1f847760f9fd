"""What sensors deliver beside Gaussian shot and read noise, in the order in which it comes about.

Every effect is drawn anew for each crop of a batch and can be switched off by a share of zero. Sources: ELD (Wei et al.
2020) for tails, rows and colour bias; strengths are relative to the standard deviation of the read noise.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import NoiseModel
from rawclean.synthesis.noise_draw import log_uniform
from rawclean.synthesis.sampling import sample
from rawclean.synthesis.shares import check_shares

POISSON_BELOW = 20.0
"""Electrons from which on a Gaussian is as good."""
TAILS = (-0.28, 0.20)
"""Range of Tukey's lambda (ELD); 0.14 is nearly Gaussian, lower is heavier."""
FILTER_SD = (0.35, 0.9)
"""Width in plane samples of the smoothing that some cameras apply to their RAW."""
ROWS, COLUMNS, BANDS = (0.02, 1.0), (0.01, 0.4), (0.1, 1.5)
"""Standard deviation of offsets per row and per column, amplitude of bands."""
BAND_PERIOD = (8.0, 120.0)
"""Rows of a wave, columns of a block."""
COLOUR_BIAS, MAX_BIAS = 0.15, 2e-3
DEFECT_RATE, DEFECT_HEIGHT, DEAD_SHARE = (1e-5, 5e-4), (2.0, 15.0), 0.2
"""Share of the sites; height in local standard deviations: higher ones are mapped before the network."""
STEPS = (1 / 1023, 1 / 4095, 1 / 4095, 1 / 4095, 1 / 16383, 1 / 16383)
"""Steps of stored codes, in units of white, as often as cameras have them."""
COMPANDED_CODES = (256.0, 2048.0)
PEDESTAL = 1 / 16
"""Black level over white: how far noise below black is stored."""


@dataclass(frozen=True, slots=True)
class SensorConfig:
    """Share of the crops that have each effect."""

    poisson: float = 0.0
    tails: float = 0.0
    filtered: float = 0.0
    rows: float = 0.0
    columns: float = 0.0
    bands: float = 0.0
    colour_bias: float = 0.0
    defects: float = 0.0
    steps: float = 0.0
    companded: float = 0.0
    clipped: float = 0.0
    """Above white; below, codes end at the pedestal where there are steps."""

    def __post_init__(self) -> None:
        """Raise ValueError where a share lies outside 0 to 1."""
        check_shares(**asdict(self))


def expose(clean: Tensor, noise: NoiseModel, config: SensorConfig, rng: torch.Generator) -> Tensor:
    """`clean` planes (B, planes, H, W) as a sensor with `noise`, fields (B, planes), delivers them."""
    draw = _Draw(rng, clean.device, len(clean))
    read_sigma = noise.read.sqrt()[..., None, None]
    spread = shot_noise(clean, noise, draw.chosen(config.poisson), rng)
    spread = spread + read_sigma * read_noise(clean.shape, draw.chosen(config.tails), rng)
    spread = filtered(spread, draw.chosen(config.filtered), rng)
    lines = (
        draw.strengths(config.rows, ROWS) * row_offsets(clean.shape, rng)
        + draw.strengths(config.columns, COLUMNS) * row_offsets(clean.shape, rng, columns=True)
        + draw.strengths(config.bands, BANDS) * bands(clean.shape, rng)
        + draw.strengths(config.colour_bias, (COLOUR_BIAS, COLOUR_BIAS)) * colour_bias(clean.shape, rng)
    )
    noisy = clean + spread + (read_sigma * lines).clamp(-_MOST_LINES, _MOST_LINES)
    noisy = with_defects(noisy, noise, draw.strengths(config.defects, DEFECT_RATE), rng)
    noisy = companded(noisy, draw.strengths(config.companded, COMPANDED_CODES))
    noisy = quantised(noisy, draw.steps(config.steps))
    return torch.where(draw.chosen(config.clipped), noisy.clamp(max=1), noisy)


_MOST_LINES = 0.1
"""Offset of rows and columns that a drawn read noise may cause at most."""


@dataclass(frozen=True, slots=True)
class _Draw:
    """Which crops have an effect, and how strong."""

    rng: torch.Generator
    device: torch.device
    count: int

    def uniform(self) -> Tensor:
        return torch.rand((self.count, 1, 1, 1), generator=self.rng, device=self.device)

    def chosen(self, share: float) -> Tensor:
        return self.uniform() < share

    def strengths(self, share: float, limits: tuple[float, float]) -> Tensor:
        """Log-uniform in `limits`, zero for crops without the effect."""
        return self.chosen(share) * log_uniform(self.uniform(), *limits)

    def steps(self, share: float) -> Tensor:
        index = (self.uniform() * len(STEPS)).long()
        return self.chosen(share) * torch.tensor(STEPS, device=self.device)[index]


def shot_noise(clean: Tensor, noise: NoiseModel, poisson: Tensor, rng: torch.Generator) -> Tensor:
    """Noise of the photons; where `poisson` (B, 1, 1, 1), counted one by one at few electrons."""
    gain, signal = noise.shot[..., None, None], clean.clamp(min=0)
    gaussian = torch.randn(clean.shape, generator=rng, device=clean.device) * (gain * signal).sqrt()
    if not bool(poisson.any()):
        return gaussian
    electrons = signal / gain.clamp(min=1e-12)
    few = poisson & (electrons < POISSON_BELOW)
    counted = torch.poisson(torch.where(few, electrons, 0), generator=rng)
    return torch.where(few, (counted - electrons) * gain, gaussian)


def read_noise(shape: torch.Size, tails: Tensor, rng: torch.Generator) -> Tensor:
    """Noise of unit variance: Gaussian, or where `tails` (B, 1, 1, 1) Tukey's lambda distribution (ELD)."""
    gaussian = torch.randn(shape, generator=rng, device=tails.device)
    if not bool(tails.any()):
        return gaussian
    low, high = TAILS
    shapes = low + (high - low) * torch.rand((shape[0], 1, 1, 1), generator=rng, device=tails.device)
    return torch.where(tails, tukey_lambda(shape, shapes, rng), gaussian)


def tukey_lambda(shape: torch.Size, shapes: Tensor, rng: torch.Generator) -> Tensor:
    """Q(p) = (p^l - (1-p)^l) / l of unit variance; `shapes` l (B, 1, 1, 1) above -1/2.

    Var Q = 2 / l^2 (1 / (1 + 2 l) - Gamma(l + 1)^2 / Gamma(2 l + 2)), pi^2 / 3 for l = 0.
    """
    lam = torch.where(shapes.abs() < 1e-2, 1e-2, shapes).double()
    beta = (2 * torch.lgamma(lam + 1) - torch.lgamma(2 * lam + 2)).exp()
    variance = 2 / lam.square() * (1 / (1 + 2 * lam) - beta)
    share = torch.rand(shape, generator=rng, device=shapes.device).clamp(1e-7, 1 - 1e-7)
    quantile = (share ** lam.float() - (1 - share) ** lam.float()) / lam.float()
    return quantile / variance.sqrt().float()


def filtered(spread: Tensor, chosen: Tensor, rng: torch.Generator) -> Tensor:
    """Noise smoothed within each plane of the `chosen` crops (B, 1, 1, 1).

    Between the filter's own loss of variance and none at all: who calibrates such a camera sees it after the filter.
    """
    index = chosen.flatten().nonzero()[:, 0]
    if not len(index):
        return spread
    shares = torch.rand((2, len(index), 1, 1, 1), generator=rng, device=spread.device)
    width = FILTER_SD[0] + (FILTER_SD[1] - FILTER_SD[0]) * shares[0]
    taps = [torch.exp(-(distance**2) / (2 * width**2)) for distance in (0, 1, 2)]
    total = taps[0] + 2 * (taps[1] + taps[2])
    centre, near, far = (tap / total for tap in taps)
    smooth = spread[index]
    for axis in (-1, -2):
        pairs = [smooth.roll(step, axis) + smooth.roll(-step, axis) for step in (1, 2)]
        smooth = centre * smooth + near * pairs[0] + far * pairs[1]
    gain = centre.square() + 2 * (near.square() + far.square())  # of the variance, for each axis
    return spread.index_copy(0, index, smooth * gain ** -shares[1])


def row_offsets(shape: torch.Size, rng: torch.Generator, *, columns: bool = False) -> Tensor:
    """A standard normal offset per row (or column) of the mosaic, in planes of `shape`."""
    mosaic, height, width = _mosaic_size(shape)
    lines = (shape[0], 1, 1, width) if columns else (shape[0], 1, height, 1)
    return _to_planes(mosaic, torch.randn(lines, generator=rng, device=rng.device), (height, width))


def bands(shape: torch.Size, rng: torch.Generator) -> Tensor:
    """Half of the crops get a sine over the rows of the mosaic, the others blocks of columns that share an offset.

    Both of unit amplitude: supplies hum, and columns share converters. Period, phase and width are random.
    """
    mosaic, height, width = _mosaic_size(shape)
    shares = torch.rand((3, shape[0], 1, 1, 1), generator=rng, device=rng.device)
    period = log_uniform(shares[0], *BAND_PERIOD)
    rows = torch.arange(height, device=rng.device)[:, None]
    waves = torch.sin(2 * math.pi * (rows / period + shares[1]))
    block = (torch.arange(width, device=rng.device) / period + shares[1]).long()
    heights = torch.randn((shape[0], 1, 1, width), generator=rng, device=rng.device) / math.sqrt(2)
    return _to_planes(mosaic, torch.where(shares[2] < 0.5, waves, heights.gather(-1, block)), (height, width))


def colour_bias(shape: torch.Size, rng: torch.Generator) -> Tensor:
    """A standard normal offset per plane, half of its variance shared by all planes: an error of the black level."""
    own = torch.randn((*shape[:2], 1, 1), generator=rng, device=rng.device)
    shared = torch.randn((shape[0], 1, 1, 1), generator=rng, device=rng.device)
    return (own + shared) / math.sqrt(2)


def with_defects(noisy: Tensor, noise: NoiseModel, rate: Tensor, rng: torch.Generator) -> Tensor:
    """Raise a share `rate` (B, 1, 1, 1) of the sites by some standard deviations, and lower a fifth of them."""
    if not bool(rate.any()):
        return noisy
    shares = torch.rand((3, *noisy.shape), generator=rng, device=rng.device)
    height = log_uniform(shares[1], *DEFECT_HEIGHT) * noise.variance(noisy).sqrt()
    defect = torch.where(shares[2] < DEAD_SHARE, torch.maximum(noisy - height, noisy.clamp(max=0)), noisy + height)
    return torch.where(shares[0] < rate, defect, noisy)


def companded(noisy: Tensor, codes: Tensor) -> Tensor:
    """Round to `codes` (B, 1, 1, 1) steps of the square root of the signal above the pedestal; zero leaves it."""
    levels = codes.clamp(min=1)
    root = ((noisy + PEDESTAL) / (1 + PEDESTAL)).clamp(min=0).sqrt()
    rounded = ((root * levels).round() / levels).square() * (1 + PEDESTAL) - PEDESTAL
    return torch.where(codes > 0, rounded, noisy)


def quantised(noisy: Tensor, step: Tensor) -> Tensor:
    """Round to multiples of `step` (B, 1, 1, 1), nothing below the pedestal; zero leaves it."""
    size = step.clamp(min=1e-9)
    return torch.where(step > 0, ((noisy / size).round() * size).clamp(min=-PEDESTAL), noisy)


def _mosaic_size(shape: torch.Size) -> tuple[CfaFamily, int, int]:
    """The mosaic that planes of `shape` are packed from, and its sides."""
    mosaic = CfaFamily.of_planes(shape[1])
    side = math.isqrt(mosaic.planes)
    return mosaic, shape[2] * side, shape[3] * side


def _to_planes(mosaic: CfaFamily, sites: Tensor, size: tuple[int, int]) -> Tensor:
    """Values of every site (B, 1, H or 1, W or 1) of a mosaic, as its planes."""
    return sample(mosaic, sites.expand(len(sites), 3, *size))

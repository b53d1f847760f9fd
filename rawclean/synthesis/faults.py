"""Faults that sensors have beside shot and read noise, each alone and of a fixed strength, to measure a denoiser on.

Unlike the effects of training crops (`sensor_effects`), which are drawn in all strengths, these stay as they are, so
that figures compare. Offsets of rows and columns and the pattern in the dark are in standard deviations of read noise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import NoiseModel
from rawclean.synthesis.sampling import sample
from rawclean.synthesis.sensor_effects import companded, row_offsets, shot_noise, tukey_lambda

HOT_SHARE, HOT_HEIGHT, DEAD_SHARE = 4e-4, 0.25, 5e-5
"""Shares of the sites; mean of the exponential height, in units of white."""
ROW_SIGMA, COLUMN_SIGMA = 0.7, 0.25
WAVE_AMPLITUDE, WAVE_PERIOD, BLOCK_SIGMA, BLOCK_COLUMNS = 1.2, 37.0, 0.8, 48
"""A sine over the rows of the mosaic, and one offset for each block of its columns."""
TAIL_SHAPE = -0.14
"""Tukey's lambda; 0.14 is nearly Gaussian, lower is heavier."""
FILTER = (0.25, 0.5, 0.25)
CURVE_CODES = 256.0
BLACK_ERROR = (2e-3, 4e-3)
"""Of white."""
RESPONSE_SIGMA, DARK_SIGMA = 0.015, 0.5
FOCUS_ROWS, FOCUS_COLUMNS, FOCUS_LOSS = 12, 8, 0.1
"""Autofocus pixels lie on a grid of the mosaic and see this much less light."""
PLATEAU = 0.92
"""Where a sensor saturates whose file says that white is at one."""
PLATEAU_NOISE = 10 / 16383
"""Standard deviation of what saturated sites deliver, 10 codes of 14 bits, where they do not all agree."""
PLATEAU_SHARES = (0.002, 0.01, 0.03)


@dataclass(frozen=True, slots=True)
class Exposure:
    """A photo as a sensor delivered it, beside the truth; images are planes (P, H, W) of one mosaic, linear."""

    clean: Tensor
    noisy: Tensor
    noise: NoiseModel
    """Shot and read noise alone, fields (P,)."""
    planted: Tensor | None = None
    """Height that single sites were raised by; zero at the others."""


Fault = Callable[[Exposure, torch.Generator], Exposure]
"""A sound exposure to a faulty one."""


def none(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """Shot and read noise only."""
    return exposure


def hot(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """Some sites brighter, clipped at white, and fewer dead ones at zero."""
    noisy = exposure.noisy
    chance = torch.rand(noisy.shape, generator=rng)
    height = -HOT_HEIGHT * torch.rand(noisy.shape, generator=rng).clamp(min=1e-7).log()
    heated = torch.where(chance < HOT_SHARE, (noisy + height).clamp(max=1), noisy)
    return replace(
        exposure,
        noisy=torch.where(chance > 1 - DEAD_SHARE, 0, heated),
        planted=(heated - noisy).clamp(min=0),
    )


def rows(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """An offset for each row of the mosaic and a smaller one for each column."""
    shape = exposure.noisy[None].shape
    lines = ROW_SIGMA * row_offsets(shape, rng) + COLUMN_SIGMA * row_offsets(shape, rng, columns=True)
    return _add(exposure, _read_sigma(exposure) * lines[0])


def bands(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """A wave over the rows of the mosaic, and offsets of blocks of its columns."""
    height, width = _mosaic_size(exposure)
    phase = torch.rand(1, generator=rng)
    wave = torch.sin(2 * math.pi * (torch.arange(height) / WAVE_PERIOD + phase))[:, None]
    blocks = torch.randn(-(-width // BLOCK_COLUMNS), generator=rng).repeat_interleave(BLOCK_COLUMNS)[None, :width]
    return _add(exposure, _read_sigma(exposure) * _planes(exposure, WAVE_AMPLITUDE * wave + BLOCK_SIGMA * blocks))


def tails(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """Read noise of the same variance with more large deviations, drawn anew together with the shot noise."""
    clean, noise = exposure.clean, exposure.noise
    shape = clean[None].shape
    counted = torch.zeros((1, 1, 1, 1), dtype=torch.bool)
    read = tukey_lambda(shape, torch.full((1, 1, 1, 1), TAIL_SHAPE), rng)[0]
    noisy = clean + shot_noise(clean[None], noise, counted, rng)[0] + _read_sigma(exposure) * read
    return replace(exposure, noisy=noisy)


def filtered(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """Noise smoothed within each plane, as by cameras that filter their RAW; the picture stays sharp."""
    spread = exposure.noisy - exposure.clean
    side, centre, _ = FILTER
    for axis in (-1, -2):
        spread = centre * spread + side * (spread.roll(1, axis) + spread.roll(-1, axis))
    return replace(exposure, noisy=exposure.clean + spread)


def coarse(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """Stored as few codes of a square-root curve."""
    return replace(exposure, noisy=companded(exposure.noisy, torch.tensor(CURVE_CODES)))


def black(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """The black level of each plane off by some thousandths of white, up or down."""
    low, high = BLACK_ERROR
    size, sign = torch.rand((2, len(exposure.noisy), 1, 1), generator=rng)
    return _add(exposure, (low + (high - low) * size) * torch.where(sign < 0.5, -1.0, 1.0))


def fixed(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """A response that differs from site to site, and a pattern in the dark."""
    response, dark = torch.randn((2, *exposure.clean.shape), generator=rng)
    return _add(exposure, RESPONSE_SIGMA * response * exposure.clean + DARK_SIGMA * _read_sigma(exposure) * dark)


def autofocus(exposure: Exposure, rng: torch.Generator) -> Exposure:
    """A grid of sites that see less light; on a Bayer mosaic they are red."""
    height, width = _mosaic_size(exposure)
    sites = torch.zeros(height, width)
    sites[::FOCUS_ROWS, ::FOCUS_COLUMNS] = FOCUS_LOSS
    return _add(exposure, -_planes(exposure, sites) * exposure.clean)


def plateau(exposure: Exposure, rng: torch.Generator, *, share: float, sigma: float) -> Exposure:
    """Exposed until a `share` of the photo saturates below white, where sites differ by `sigma`; so does the truth.

    More saturates where more of the photo was at white already. The noise is the old draw, scaled to the new signal.
    """
    clean, noise = exposure.clean, exposure.noise
    brightest = max(1, round(share * clean.numel()))
    exposed = clean * (PLATEAU / clean.flatten().topk(brightest).values[-1])
    normal = (exposure.noisy - clean) / noise.variance(clean).sqrt()
    noisy = exposed + normal * noise.variance(exposed).sqrt()
    uneven = PLATEAU + sigma * torch.randn(noisy.shape, generator=rng)
    return replace(
        exposure, clean=exposed.clamp(max=PLATEAU), noisy=torch.where(noisy >= PLATEAU, uneven, noisy), planted=None
    )


FAULTS: dict[str, Fault] = {
    "none": none,
    "hot": hot,
    "rows": rows,
    "bands": bands,
    "tails": tails,
    "filtered": filtered,
    "coarse": coarse,
    "black": black,
    "fixed": fixed,
    "autofocus": autofocus,
    **{f"plateau {share:.1%}": partial(plateau, share=share, sigma=0.0) for share in PLATEAU_SHARES},
    **{f"uneven plateau {share:.1%}": partial(plateau, share=share, sigma=PLATEAU_NOISE) for share in PLATEAU_SHARES},
}
"""All faults by name."""


def _add(exposure: Exposure, offset: Tensor) -> Exposure:
    return replace(exposure, noisy=exposure.noisy + offset)


def _read_sigma(exposure: Exposure) -> Tensor:
    return exposure.noise.read.sqrt()[:, None, None]


def _mosaic(exposure: Exposure) -> CfaFamily:
    return CfaFamily.of_planes(len(exposure.clean))


def _mosaic_size(exposure: Exposure) -> tuple[int, int]:
    """Height and width of the mosaic that the planes are packed from."""
    count, height, width = exposure.clean.shape
    return height * math.isqrt(count), width * math.isqrt(count)


def _planes(exposure: Exposure, sites: Tensor) -> Tensor:
    """Values of every site (H, W) of the mosaic as its planes."""
    return sample(_mosaic(exposure), sites.expand(1, 3, *sites.shape))[0]

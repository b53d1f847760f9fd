"""Small lights that photos of the day hold few of: stars, and lines no wider than a site, as a lens draws them."""

import math

import torch
from torch import Tensor

from rawclean.core.cfa_family import CfaFamily
from rawclean.synthesis.noise_draw import log_uniform
from rawclean.synthesis.sampling import sample

STAR_SHARE = 1 / 700
"""Of the sites."""
WIDTHS = (0.55, 1.6)
"""Standard deviations in sites; a lens and the site itself spread a point over 0.6 at least."""
BRIGHTNESS = (0.02, 4.0)
COLOURS = (0.3, 1.0)
"""What the colours of a mosaic see of one light."""
REACH = 5
LINE_STEPS, EDGES = (12.0, 60.0), 0.3
"""Distance between lines, and the share of stripes with sharp edges among them."""


def small_lights(count: int, size: tuple[int, int], mosaic: CfaFamily, rng: torch.Generator) -> Tensor:
    """Light (count, planes, H, W) to add to clean planes of mosaics of `size`: a quarter has stars, a quarter lines."""
    kinds = torch.rand(count, generator=rng)
    dark = torch.zeros(size)
    draws = (_stars, _lines)
    lights = torch.stack([draws[int(4 * kind)](size, rng) if kind < 0.5 else dark for kind in kinds.tolist()])
    gains = COLOURS[0] + (COLOURS[1] - COLOURS[0]) * torch.rand((count, 3, 1, 1), generator=rng)
    return sample(mosaic, lights[:, None] * gains)


def _stars(size: tuple[int, int], rng: torch.Generator) -> Tensor:
    """Points of light at random places between the sites."""
    count = max(1, round(STAR_SHARE * size[0] * size[1]))
    shares = torch.rand((4, count, 1, 1), generator=rng)
    centre = shares[:2, :, 0, 0] * torch.tensor(size)[:, None]
    steps = torch.arange(-REACH, REACH + 1)
    rows, columns = (centre.floor().long()[:, :, None] + steps).unbind(0)
    square = (rows - centre[0, :, None]).square()[:, :, None] + (columns - centre[1, :, None]).square()[:, None]
    light = log_uniform(shares[2], *BRIGHTNESS) * torch.exp(-square / (2 * log_uniform(shares[3], *WIDTHS).square()))
    inside = ((rows >= 0) & (rows < size[0]))[:, :, None] & ((columns >= 0) & (columns < size[1]))[:, None]
    places = rows[:, :, None] * size[1] + columns[:, None]
    return torch.zeros(size).flatten().index_add(0, places[inside], light[inside]).reshape(size)


def _lines(size: tuple[int, int], rng: torch.Generator) -> Tensor:
    """Parallel lines, or the edges between stripes, at a random angle."""
    angle, step, width, bright, kind = torch.rand(5, generator=rng).tolist()
    rows, columns = torch.arange(size[0])[:, None], torch.arange(size[1])
    across = rows * math.cos(math.pi * angle) + columns * math.sin(math.pi * angle)
    period = LINE_STEPS[0] * (LINE_STEPS[1] / LINE_STEPS[0]) ** step
    distance = across.remainder(period) - period / 2
    brightness = BRIGHTNESS[0] * (1 / BRIGHTNESS[0]) ** bright
    spread = WIDTHS[0] + width
    light = (distance > 0).float() if kind < EDGES else torch.exp(-distance.square() / (2 * spread**2))
    return light.mul(brightness)

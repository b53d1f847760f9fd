"""Black as the sensor itself shows it: the border of the raster that no light reaches.

Borders are not what they seem in every camera: some hold constants, calibration lines, or light that leaks in beside
the visible area. So lines of the border are compared with each other, and what differs from most of them is left out;
where too little is left, or it holds no noise, the border says nothing.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from rawclean.core.frame import ActiveArea, RawFrame
from rawclean.core.levels import Levels
from rawclean.core.medians import lower_median
from rawclean.core.noise import NoiseModel

TRANSITION = 4
"""Lines of the border next to the visible area, and at the edge of the raster, that are not looked at."""
LEAST_LINES = 8
"""Lines of a border that must agree."""
LEAST_SAMPLES = 2_000
"""Samples of each position that make a black level."""
LEAST_SPREAD = 0.3
"""ADU; less noise than rounding to whole codes makes, sqrt(1/12), is a constant that was written in."""
NOISE_RATIO = 3.0
"""Factor within which the noise of the border is the read noise of the photo; else it is no such black."""
LINE_DEVIATIONS = 6.0
"""Robust deviations from the other lines beyond which a line holds something else."""
CONTRADICTION = 0.1
"""Read noises by which a border must differ from the file."""
STANDARD_ERRORS = 3.0
ROUNDING = 1.0
"""ADU by which a whole number that stands for a black level may be off: LibRaw cuts off the fractions of its means."""
MOST_NOISE, MOST_SIGNAL = 3.0, 0.02
"""Read noises, and share of the range, beyond which a difference is no drift of the black: the border is not black."""


@dataclass(frozen=True, slots=True)
class MaskedBlack:
    """What a masked border says, in ADU."""

    black: np.ndarray
    """(rows, columns) as those of `Levels`, at least (2, 2) so that each colour has its own."""
    error: float
    """Standard error of the mean of `black`, from how far the lines of the border differ."""
    read_sigma: float
    """Noise of the border."""
    samples: int
    """How many were used."""


def masked_black(frame: RawFrame) -> MaskedBlack | None:
    """Black levels by the masked columns left and right of the visible area; None where there are none to trust.

    Where the file names its masked areas (DNG MaskedAreas), other columns of the border do not count.
    Masked rows are not used: in real files their level differs from that of the visible rows more often.
    """
    if frame.raster.ndim != 2:
        return None
    found = [side for side in _sides(frame) if side is not None]
    if not found:
        return None
    return max(found, key=lambda side: side.samples)


def corrected_black(frame: RawFrame, noise: NoiseModel) -> tuple[Levels, str | None]:
    """Levels with the black of the masked border where that contradicts the file's, and what to tell about it.

    `noise` is that of the photo, in linear units of the file's levels.
    """
    levels, masked = frame.levels, masked_black(frame)
    if masked is None:
        return levels, None
    black = levels.black
    read_sigma = math.sqrt(noise.read.mean()) * levels.scale
    shift = masked.black - _tiled(black, masked.black.shape)
    difference = abs(float(shift.mean()))
    like_read_noise = read_sigma / NOISE_RATIO <= masked.read_sigma <= read_sigma * NOISE_RATIO
    most = min(MOST_NOISE * masked.read_sigma, MOST_SIGNAL * levels.scale)
    rounding = ROUNDING if (black == black.round()).all() else 0.0
    least = max(CONTRADICTION * max(read_sigma, masked.read_sigma), STANDARD_ERRORS * masked.error, rounding)
    if not like_read_noise or not least < difference <= most or float(masked.black.min()) < 0:
        return levels, None
    told, seen = float(black.mean()), float(masked.black.mean())
    message = f"black level by the masked border is {seen:.1f}, the file says {told:.1f}; using the border"
    return dataclasses.replace(levels, black=masked.black), message


def _sides(frame: RawFrame) -> list[MaskedBlack | None]:
    """What the columns left and right of the visible area say, each by itself."""
    area, width = frame.active, frame.raster.shape[1]
    period = [math.lcm(2, side) for side in frame.levels.black.shape]
    spans = [(TRANSITION, area.left - TRANSITION), (area.left + area.width + TRANSITION, width - TRANSITION)]
    if frame.masked:
        beside = [each for each in frame.masked if _has_rows_of(each, area)]
        spans = [(max(start, m.left), min(stop, m.left + m.width)) for start, stop in spans for m in beside]
    return [_black_of(frame, span, period) for span in spans]


def _has_rows_of(masked: ActiveArea, area: ActiveArea) -> bool:
    return masked.top <= area.top and masked.top + masked.height >= area.top + area.height


def _black_of(frame: RawFrame, span: tuple[int, int], period: list[int]) -> MaskedBlack | None:
    """Black by the columns `span` of the raster, beside the visible rows."""
    area, (start, stop) = frame.active, span
    height = area.height // period[0] * period[0]
    if stop - start < LEAST_LINES or height < period[0]:
        return None
    border = frame.raster[area.top : area.top + height, start:stop]
    agreeing = _agreeing(border)
    border, columns = border[:, agreeing], np.arange(start, stop)[agreeing]
    if len(columns) < LEAST_LINES:
        return None
    phases = (columns - area.left) % period[1]
    black = np.empty(period, dtype=np.float32)
    for column in range(period[1]):
        chosen = border[:, phases == column]
        sites = chosen.reshape(-1, period[0], chosen.shape[1])
        if sites.shape[0] * sites.shape[2] < LEAST_SAMPLES:
            return None
        black[:, column] = _trimmed_mean(sites.swapaxes(0, 1).reshape(period[0], -1))
    spread = float(_spread(border.reshape(-1)))
    if spread < LEAST_SPREAD:
        return None
    means, lines = border.mean(0, dtype=np.float64), border.mean(1, dtype=np.float64)
    error = float(means.std(ddof=1)) / math.sqrt(len(means)) + float(lines.std(ddof=1)) / math.sqrt(height)
    return MaskedBlack(black, error, spread, border.size)


def _agreeing(border: np.ndarray) -> np.ndarray:
    """Which columns of `border` (H, W) have the level and the noise of most of them, bool (W,)."""
    level, noise = lower_median(border, 0)[0], _spread(border)
    middle, typical = lower_median(level), lower_median(noise)
    allowed = LINE_DEVIATIONS * np.maximum(lower_median(np.abs(level - middle)), 0.15 * typical + 0.2)
    return (np.abs(level - middle) <= allowed) & (noise > typical / 2) & (noise < typical * 2)


def _spread(values: np.ndarray) -> np.ndarray:
    """Standard deviation along axis 0 without the largest thousandth of the deviations: hot sites are no noise.

    Sums are of float64: thousands of samples of thousands of ADU each.
    """
    deviation = values - values.mean(0, dtype=np.float64).astype(np.float32)
    limit = 6 * np.abs(deviation).mean(0, dtype=np.float64).astype(np.float32) + 1
    np.clip(deviation, -limit, limit, out=deviation)
    return np.sqrt(np.square(deviation).mean(0, dtype=np.float64)).astype(np.float32)


def _trimmed_mean(values: np.ndarray) -> np.ndarray:
    """Mean of each row of `values` (N, M) within 5 deviations of its median; whole codes have no finer median."""
    kept = np.abs(values - lower_median(values, 1)) <= 5 * _spread(values.T)[:, None] + 1
    return values.mean(1, dtype=np.float64, where=kept)


def _tiled(black: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    return np.tile(black, [side // period for side, period in zip(size, black.shape, strict=True)])

"""The noise of a camera from shots of one still scene: the line Var(x) = shot * x + read through all still blocks.

The variance of a block is one over time (`shot_blocks`). It has a relative standard deviation of sqrt(2 / freedom), so
that weighted least squares, iterated with the line's own variances as weights, give the line and its standard errors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rawclean.core.clip_level import find_clip_levels
from rawclean.core.noise import NoiseModel
from rawclean.core.noise_line import LEAST_VARIANCE, NoiseLine, fit_line, robust_line
from rawclean.core.shot_blocks import (
    APART,
    NEAR_CLIP,
    SAMPLES,
    ShotBlocks,
    Unrest,
    measure_blocks,
    measure_unrest,
)
from rawclean.core.shots import LEAST_BLOCKS, check_shots
from rawclean.core.three_by_three import around
from rawclean.errors import CalibrationError

ALIKE = 4.5
"""Standard errors from which a correlation between planes is movement."""
MAX_SHARED, CLEARLY_SHARED = 0.01, 0.1
"""Correlations between planes: over all blocks kept, above which the camera itself has moved; of a block that did.

Shifts of a fraction of a sample that stay below the first raise shot noise by at most 4 % (13 photos, three levels).
"""
MAX_NEIGHBOURS = 0.2
"""Correlation of neighbouring samples from which the noise is no sensor's any more."""
PEAK = 6.5
"""Standard deviations that no noise reaches; hot pixels that flicker do."""
OUTLIER = 5.0
"""Standard deviations from the line that a block may have."""
MARGIN = 4.0
"""Standard deviations of noise that must fit between a block's signal and the clip levels."""
MAX_MOVED = 0.4
"""Share of the blocks in which something may have moved."""
MAX_SHOT_ERROR, MAX_READ_ERROR = 0.05, 0.3
"""Relative standard errors beyond which shot and read noise are not told apart."""
LEAST_ELECTRONS = 1.0
"""Read noise that is expected at least, so that a first line without black blocks does not shut them out."""
BINS = 16
ROUNDS = 3
NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Blocks of one plane and about one brightness."""

    plane: int
    signal: float
    variance: float
    count: int
    """Samples of each shot."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The noise that shots of one scene show."""

    line: NoiseLine
    """Through all planes together."""
    planes: tuple[NoiseLine | None, ...]
    """Through R, Gr, Gb and B alone; None where too few blocks are left."""
    points: tuple[CalibrationPoint, ...]
    light: tuple[float, ...]
    """Brightness of each shot over their mean."""
    moved: float
    """Share of the blocks that were left out since something moved in them, or they do not fit the line."""
    clipped: float
    """Share of the blocks that were left out since samples are, or may be, clipped."""
    misfit: float
    """Scatter of the blocks about the line over what the noise alone makes; 1 is a perfect fit."""

    @property
    def noise(self) -> NoiseModel:
        """The line as the noise of all planes."""
        return NoiseModel.uniform(self.line.shot, self.line.read)


@dataclass(frozen=True, slots=True)
class _Fit:
    line: NoiseLine
    kept: np.ndarray
    """Bool, (P, rows, columns)."""
    moved: np.ndarray
    """As `kept`."""


def calibrate(shots: Sequence[np.ndarray], floor: float) -> Calibration:
    """Measure the noise of shots (P, H, W) of one scene, linear, clipped at `floor` and at one.

    Raises CalibrationError, with what to do, where they do not show it.
    """
    gains = check_shots(shots, floor)
    blocks = measure_blocks(shots, gains)
    whole = blocks.whole(floor, np.full((1, 1, 1), NEAR_CLIP, np.float32))
    _check_count(whole)
    start = _with_least_read(*robust_line(blocks.mean[whole], blocks.variance[whole]))
    clip = find_clip_levels(shots[0], NoiseModel.uniform(*start))[:, None, None]
    unrest = measure_unrest(shots, gains, start)
    _check_white(unrest, whole)
    still = (unrest.alike < ALIKE / math.sqrt(blocks.freedom)) & (unrest.peak < PEAK).all(0)
    fit = _fit_still_blocks(blocks, still, floor, clip.clip(max=NEAR_CLIP))
    _check_independent(unrest, fit.kept, blocks.freedom)
    _check_range(fit.line)
    variance = fit.line.shot * blocks.mean + fit.line.read
    scatter = (blocks.variance / variance - 1)[fit.kept]
    planes = range(len(blocks.mean))
    return Calibration(
        line=fit.line,
        planes=tuple(_plane_line(blocks, fit.kept, p) for p in planes),
        points=_points(blocks, fit.kept),
        light=tuple(gains.tolist()),
        moved=float(fit.moved.mean()),
        clipped=float((~fit.kept & ~fit.moved).mean()),
        misfit=math.sqrt(float(np.square(scatter).mean()) * blocks.freedom / 2),
    )


def _plane_line(blocks: ShotBlocks, kept: np.ndarray, plane: int) -> NoiseLine | None:
    signal, variance = blocks.mean[plane][kept[plane]], blocks.variance[plane][kept[plane]]
    return fit_line(signal, variance) if len(signal) >= LEAST_BLOCKS else None


def _fit_still_blocks(blocks: ShotBlocks, still: np.ndarray, floor: float, ceiling: np.ndarray) -> _Fit:
    """The line through the blocks that are `still` (rows, columns) and not near a clip level; raises for too few."""
    whole = blocks.whole(floor, ceiling)
    usable = whole & _shrunk(still)
    _check_still(whole, usable)
    shot, read = _with_least_read(*robust_line(blocks.mean[usable], blocks.variance[usable]))
    for _ in range(ROUNDS):  # a line says which blocks do not belong to it, the next one is that of the others
        variance = shot * blocks.mean.clip(min=0) + read
        margin = MARGIN * np.sqrt(variance)
        inside = whole & (blocks.mean - margin > floor) & (blocks.mean + margin < ceiling)
        _check_count(inside)
        ratio = blocks.variance / variance - 1
        scatter = max(NORMAL_MAD * float(np.median(np.abs(ratio[inside]))), math.sqrt(2 / blocks.freedom))
        fits = (np.abs(ratio) < OUTLIER * scatter) | ~inside
        kept = inside & _shrunk(still & fits.all(0))
        _check_still(inside, kept)
        line = fit_line(blocks.mean[kept], blocks.variance[kept])
        shot, read = _with_least_read(line.shot, line.read)
    return _Fit(line, kept, inside & ~kept)


def _with_least_read(shot: float, read: float) -> tuple[float, float]:
    shot = max(shot, LEAST_VARIANCE)
    return shot, max(read, (LEAST_ELECTRONS * shot) ** 2, LEAST_VARIANCE)


def _shrunk(still: np.ndarray) -> np.ndarray:
    """`still` (rows, columns) without the neighbours of blocks that are not: movement does not end at a border."""
    return np.logical_and.reduce(around(still, beyond=True))


def _check_count(usable: np.ndarray) -> None:
    """Raise where there are too few blocks for a line."""
    if int(usable.sum()) < LEAST_BLOCKS:
        raise CalibrationError(
            "too little of the shots is neither black nor clipped; expose so that most of the picture is between"
        )


def _check_still(usable: np.ndarray, kept: np.ndarray) -> None:
    """Raise where too few of the `usable` blocks are still."""
    moved = 1 - float(kept.sum()) / max(int(usable.sum()), 1)
    if moved > MAX_MOVED or int(kept.sum()) < LEAST_BLOCKS:
        raise CalibrationError(
            f"the shots differ by more than noise in {moved:.0%} of the picture: something moved, or they are "
            "filtered; take all from a tripod, of a still scene, as the camera writes them"
        )


def _check_white(unrest: Unrest, whole: np.ndarray) -> None:
    """Raise where the noise of neighbouring samples is alike, other than by movement."""
    neighbours = float(np.median(unrest.neighbours[whole]))
    if abs(neighbours) > MAX_NEIGHBOURS and abs(float(np.median(unrest.shared[whole.any(0)]))) < CLEARLY_SHARED:
        raise CalibrationError(
            f"neighbouring samples share their noise (correlation {neighbours:.2f}): the camera, or a program since, "
            "has filtered it; switch noise reduction off and take untouched files"
        )


def _check_independent(unrest: Unrest, kept: np.ndarray, freedom: int) -> None:
    """Raise where planes still have something in common in the blocks that were kept as still."""
    shared = unrest.shared[kept.any(0)]
    error = 1 / math.sqrt(len(APART) * freedom * len(shared))
    if abs(float(shared.mean())) > MAX_SHARED + 3 * error:
        raise CalibrationError(
            "the camera moved between the shots: what differs has the scene's structure; take them from a tripod"
        )


def _check_range(line: NoiseLine) -> None:
    """Raise where the brightness has too small a range to tell shot from read."""
    if not line.shot_error <= MAX_SHOT_ERROR * line.shot:
        raise CalibrationError(
            "the range of brightness is too small to tell shot noise from read noise; take a scene with black, grey "
            "and bright parts, exposed so that the brightest are just not clipped"
        )
    if not line.read_error <= MAX_READ_ERROR * line.read:
        raise CalibrationError(
            "nothing in the scene is dark enough to show the read noise; put something black into the picture, or "
            "give more shots"
        )


def _points(blocks: ShotBlocks, kept: np.ndarray) -> tuple[CalibrationPoint, ...]:
    """The kept blocks in groups of about equal brightness, plane by plane."""
    points = []
    for plane, choice in enumerate(kept):
        signal, variance = blocks.mean[plane][choice], blocks.variance[plane][choice]
        groups = np.array_split(signal.argsort(), max(1, min(BINS, len(signal) // 4)))
        for group in groups:
            if len(group):
                count = len(group) * SAMPLES
                points.append(
                    CalibrationPoint(plane, float(signal[group].mean()), float(variance[group].mean()), count)
                )
    return tuple(points)

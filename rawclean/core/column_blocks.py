"""Blocks of columns with offsets of their own, as the readout channels of a sensor leave them, found in the photo.

Within a block nothing tells its offset from the scene; at its edges all segments of the photo see the same step. One
step may be the scene's, many at equal distances are not. So every width and place of such a comb is scored by how much
better offsets explain the steps at its teeth than no offsets do (the log of the ratio of likelihoods), no step counting
for more than `MOST_EVIDENCE`. Where a comb is clear, the offsets are the most probable ones given all its steps.
"""

import math
from dataclasses import replace

import numpy as np

from rawclean.core.line_profiles import Profiles, activity_variance, vote
from rawclean.core.medians import lower_median

FLANK = 3
"""Samples of a plane on each side of an edge whose means are compared."""
SCALE = 1
"""Of the vote: the distance over which scene is looked for around an edge."""
LEAST_BLOCK, LEAST_EDGES = 16, 4
"""Samples of a plane in a block, and edges in a photo, below which no comb is looked for."""
SIGMA = 0.8
"""Deviation of the blocks' offsets that is expected, in deviations of the read noise."""
IMPLAUSIBLE = 4.5
"""Step, in deviations of the read noise, beyond which it is an edge of the scene."""
MOST_EVIDENCE, NEEDED_EVIDENCE = 8.0, 5.0
"""Log of likelihood ratios: the most that one step can say, and what a comb needs beyond the number of all combs."""
MOST_DISAGREEMENT = 1.2
"""Mean square difference of the steps that two halves of the photo see, in variances: more is scene. Measured: offsets
have 0.3 to 1.2 (and 1.3 in one of 37 photos), regular scenes 1.25 to 2.7."""
SHORTEST_ERROR = 1e-2
"""Deviation below which the error of a step is not believed, in deviations of the read noise."""
NORMAL_MEDIAN = 0.455
"""Median of the square of a normal deviate."""


def find_column_blocks(profiles: Profiles) -> np.ndarray:
    """Offset (H,) of each period of lines, in deviations of the read noise; zero where no comb is clear."""
    steps = _steps(profiles)
    variance = activity_variance(steps, SCALE)
    step, error = _vote(steps, variance)
    edges = _clearest_comb(_evidence(step, error))
    if edges is None or _disagreement(steps, variance, edges) > MOST_DISAGREEMENT:
        return np.zeros_like(step)
    offsets = _most_probable(step[edges], error[edges])
    found = offsets[np.searchsorted(edges, np.arange(len(step)), side="right")]
    found -= found.mean()
    return found


def _steps(profiles: Profiles) -> Profiles:
    """Difference of the means on both sides of each line; those near the ends are not usable."""
    values, white, usable = (_together(each) for each in (profiles.values, profiles.white, profiles.usable))
    last = values.shape[-1] - FLANK
    means = values[..., : last + 1] / FLANK
    for shift in range(1, FLANK):
        means += values[..., shift : last + 1 + shift] / FLANK
    inner = slice(FLANK, last + 1)
    steps, whole = np.zeros_like(values), np.zeros_like(usable)
    np.subtract(means[..., FLANK:], means[..., :-FLANK], out=steps[..., inner])
    whole[..., inner] = usable[..., inner]
    return replace(profiles, values=steps, white=2 / FLANK * white, usable=whole, dark=_together(profiles.dark))


def _disagreement(steps: Profiles, variance: np.ndarray, edges: np.ndarray) -> float:
    """Of the dark and the bright half, and of the first and the second, at the `edges`."""
    count = steps.values.shape[1]
    first = np.arange(count)[None, :, None] % (count // 2) < count // 4  # of each line of a period
    squares = []
    for half in (steps.dark, first.astype(np.float32)):
        votes = [_vote(replace(steps, usable=steps.usable * mask), variance) for mask in (half, 1 - half)]
        (step, error), (other, other_error) = votes
        squares.append((np.square(step - other) / (error + other_error))[edges].mean())
    return float(np.mean(squares))


def _vote(steps: Profiles, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step (H,) before each line, and its error variance; infinite where no profile is usable."""
    mean, error = (each[0] for each in vote(steps, variance, SCALE))
    known = steps.usable[0].any(0)
    error = np.where(known, np.maximum(error, SHORTEST_ERROR**2), np.float32(np.inf))
    if not known.any():
        return mean, error
    # scenes have more steps than the segments' disagreement says
    typical = lower_median(np.square(mean[known]) / error[known]) / NORMAL_MEDIAN
    return mean, error * np.maximum(typical, 1)


def _together(values: np.ndarray) -> np.ndarray:
    """The profiles (lines, K, H) of all lines of a period as those of one: all see the same steps."""
    return values.reshape(1, -1, values.shape[2])


def _evidence(step: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Log of the likelihood ratio (H,) of a step between two offsets to none."""
    ratio = 2 * SIGMA**2 / error
    none = -0.5 * np.log1p(ratio)
    known = 0.5 * np.square(step) / error * ratio / (1 + ratio) + none
    return np.where(np.abs(step) < IMPLAUSIBLE, np.minimum(known, MOST_EVIDENCE), none)


def _clearest_comb(evidence: np.ndarray) -> np.ndarray | None:
    """Places of the teeth of the comb with the most evidence, if it is enough."""
    length, best, found = len(evidence), 0.0, None
    widths = range(LEAST_BLOCK, length // LEAST_EDGES + 1)
    padded = np.pad(evidence, (0, length))
    for width in widths:
        total = padded[: -(-length // width) * width].reshape(-1, width).sum(0)
        place = int(total.argmax())
        if total[place] > best:
            best, found = float(total[place]), np.arange(place, length, width)
    enough = best > NEEDED_EVIDENCE + math.log(sum(widths) or 1)
    return found if enough else None


def _most_probable(step: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Offsets of the blocks between normal steps with their error variances, each offset with variance SIGMA^2."""
    count = len(step) + 1
    step, error = step.astype(np.float64), error.astype(np.float64)
    weight = 1 / error / (1 + (step / IMPLAUSIBLE) ** 8)
    differences = np.diff(np.eye(count), axis=0)
    precision = differences.T @ (weight[:, None] * differences) + np.eye(count) / SIGMA**2
    return np.linalg.solve(precision, differences.T @ (weight * step)).astype(np.float32)

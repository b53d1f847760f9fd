"""What segments of a photo say of its lines, and how they vote.

An offset is the same all along its line and does not depend on the signal; what the scene shows is neither. So the
photo is cut into segments across the lines, and each plane of each segment gives a profile over the lines: offsets,
plus its own scene, plus white noise. Segments vote, the dark and flat ones most, for they know best. How far groups of
neighbouring segments disagree says how good the vote is, scene included: scenes agree over short distances only. So
does how far dark and bright places disagree, for a scene grows with its light.
"""

import math
from dataclasses import dataclass

import numpy as np

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.medians import lower_median
from rawclean.core.noise import NoiseModel

SEGMENTS, FEWER_SEGMENTS, MANY_LINES = 36, 16, 1024
"""Segments across the lines that are looked at, fewer in large photos, whose wide segments vote well enough."""
LEAST_WIDTH, MOST_WIDTH = 8, 32
"""Samples of a plane in a segment: fewer do not average the noise, more hold no flat place."""
LEAST_SIDE = 64
"""Samples of a plane below which there is not enough to tell offsets from the scene."""
LEAST_READ = 1e-16
"""Read variance, linear, that counts as none: finer than float32 holds white, and fourth powers would leave it."""
LEAST_WHITE = 1e-6
"""Variance of a profile, in read variances, of which one is sure: a plane without noise does not outvote all others."""
NEAR_CLIP = 0.9
"""Mean signal above which a segment may hold clipped samples, which have no offset."""
GROUPS = (2, 6, 12)
"""Neighbouring segments that vote as one when their disagreement is measured; the most cautious size counts."""
ROBUSTNESS = 4.0
"""Squared deviation, in variances of a segment, at which it has half its vote."""
WIDEST = 7
"""Scale of the widest smoothing."""

LINES = {
    CfaFamily.BAYER: (((0, 1), (2, 3)), ((0, 2), (1, 3))),
    CfaFamily.XTRANS: (((0, 1), (2, 2), (3, 4)), ((0, 3), (2, 2), (1, 4))),
}
"""Planes in each row, and in each column, of a period. Of X-Trans the greens: red and blue change their lines."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """K profiles for each line of a period, along H samples of a plane, in deviations of the read noise."""

    values: np.ndarray
    """(lines, K, H); neighbours along K are the planes of a segment."""
    white: np.ndarray
    """(lines, K, H): variance of their white noise."""
    usable: np.ndarray
    """(lines, K, H): 1 where no sample can be clipped, else 0."""
    dark: np.ndarray
    """(lines, K, 1): 1 for the darker half, else 0."""
    sigma: float
    """Deviation of the read noise, linear."""


def tells_of_lines(planes: np.ndarray, noise: NoiseModel) -> bool:
    """Whether `planes` (P, H, W) are large enough, with a read noise to compare with."""
    return min(planes.shape[1:]) >= LEAST_SIDE and float(noise.read.mean()) > LEAST_READ


def line_profiles(planes: np.ndarray, noise: NoiseModel, lines: tuple[tuple[int, ...], ...]) -> Profiles:
    """Profiles along axis 1 of linear `planes` (P, H, W) with `noise` (P,), a period of which is `lines` of LINES."""
    sigma = math.sqrt(noise.read.mean())
    values, count = _segment_means(planes, lines)
    values /= sigma
    shot, read = (
        np.stack([np.tile(each[list(members)], values.shape[1] // len(members)) for members in lines])[..., None]
        for each in (noise.shot / (sigma * count), noise.read / (sigma**2 * count))
    )
    signal = smoothed(values, range(3)).clip(0)
    light = signal.mean(-1, keepdims=True)
    dark = light <= lower_median(light, 1)
    usable = signal < NEAR_CLIP / sigma
    white = (shot * signal + read).clip(LEAST_WHITE)
    return Profiles(values, white, usable.astype(np.float32), dark.astype(np.float32), sigma)


def _segment_means(planes: np.ndarray, lines: tuple[tuple[int, ...], ...]) -> tuple[np.ndarray, int]:
    """Means over segments of rows, (lines, segments * planes of a line, H), planes fastest, and samples in each."""
    height, width = planes.shape[1:]
    most = SEGMENTS if height <= MANY_LINES else FEWER_SEGMENTS
    side = max(LEAST_WIDTH, min(MOST_WIDTH, width // most))
    places = np.linspace(0, width // side - 1, min(most, width // side)).round().astype(int) * side
    average = np.full(side, 1 / side, dtype=np.float32)  # by a product: five times as fast as `mean`
    means = np.stack([planes[:, :, place : place + side] @ average for place in places], 1)  # plane, segment, row
    return np.stack([means[list(members)].swapaxes(0, 1).reshape(-1, height) for members in lines]), side


def activity_variance(profiles: Profiles, scale: int) -> np.ndarray:
    """Of the values (lines, K, H): their noise, or what goes on in them and near them where that is more.

    How much scene there is, is looked at over distances from 2^scale on.
    """
    activity = smoothed(np.square(profiles.values), _scales_from(scale))
    around = _nearby(activity)
    around += activity
    around *= 0.5
    np.maximum(profiles.white, around, out=around)
    return around


def vote(profiles: Profiles, variance: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Robust mean of the values, of such `variance` (lines, K, H), over K, and its error variance, both (lines, H)."""
    around = _scales_from(scale)
    mean, votes = _weighted(profiles.values, profiles.usable / variance), np.empty_like(variance)
    usable, doubt = ROBUSTNESS * profiles.usable, ROBUSTNESS * variance
    for _ in range(2):
        np.subtract(profiles.values, mean, out=votes)
        votes *= votes
        votes += doubt
        np.divide(usable, votes, out=votes)  # the weight over 1 + deviation^2 / variance / ROBUSTNESS
        mean = _weighted(profiles.values, votes)
    total = votes.sum(1)
    error = 0.5 / total.clip(1e-9)  # the white noise alone gives about twice that
    votes *= profiles.values - mean
    return mean[:, 0], np.maximum(error, _disagreement(votes, total, around[:2]))


def contrast(profiles: Profiles, variance: np.ndarray, scale: int) -> np.ndarray:
    """Squared disagreement (lines, H) of the darker and the brighter profiles, beyond what their noise explains.

    What grows with the signal is scene, even where all agree on its shape.
    """
    weight = profiles.usable / variance
    means, noise = [], []
    for half in (profiles.dark, 1 - profiles.dark):
        part = weight * half
        mean, total = _weighted(profiles.values, part), part.sum(1)
        part *= profiles.values - mean
        means.append(mean[:, 0])
        noise.append(_products(part, part) / np.square(total).clip(1e-18))
    square = np.square(means[0] - means[1]) - 2 * (noise[0] + noise[1])
    return smoothed(square, _scales_from(scale)).clip(0)


def _disagreement(deviations: np.ndarray, total: np.ndarray, around: tuple[int, ...]) -> np.ndarray:
    """Error variance (lines, H) after how far groups of neighbours disagree.

    `deviations` (lines, K, H) from the mean are weighted; `total` (lines, H) is the sum of the weights.
    """
    square = smoothed(np.square(total), around).clip(1e-18)
    errors = []
    for size in GROUPS:
        grouped = _sum_groups(deviations, 2 * size)
        spread = _products(grouped, grouped) * (grouped.shape[1] / max(grouped.shape[1] - 1, 1))
        errors.append(smoothed(spread, around) / square)
    return np.stack(errors).max(0)


def _weighted(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean of `values` over axis 1, which stays."""
    return (_products(weight, values) / weight.sum(1).clip(1e-30))[:, None]


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Sum over axis 1 of the products of both (lines, K, H), without an array of them."""
    return np.einsum("lkh,lkh->lh", one, other)


def smooth(values: np.ndarray, scale: int, *, odd: bool = False) -> np.ndarray:
    """Filter (1, 2, 1) / 4 at a distance of 2^scale along the last axis, reflected at its ends.

    `odd` reflects in the end points, too: a gradient goes on there, where a mirror would make a crease of it.
    """
    step = min(2**scale, values.shape[-1] - 1)
    before, after = values[..., step:0:-1], values[..., -2 : -step - 2 : -1]
    if odd:
        before, after = 2 * values[..., :1] - before, 2 * values[..., -1:] - after
    ends = np.empty_like(values)
    ends[..., :step] = before
    ends[..., step:] = values[..., :-step]
    ends[..., :-step] += values[..., step:]
    ends[..., -step:] += after
    ends *= 0.5
    ends += values
    ends *= 0.5
    return ends


def smoothed(values: np.ndarray, scales: range | tuple[int, ...]) -> np.ndarray:
    """`values`, smoothed at each of `scales`."""
    for scale in scales:
        values = smooth(values, scale)
    return values


def _scales_from(scale: int) -> tuple[int, ...]:
    """`scale` and the two above it."""
    return scale, min(scale + 1, WIDEST), min(scale + 2, WIDEST)


def _nearby(activity: np.ndarray) -> np.ndarray:
    """Mean over the 7 profiles around each along axis 1, repeated at its ends."""
    count = activity.shape[1]
    padded = activity[:, np.arange(-3, count + 3).clip(0, count - 1)]
    total = padded[:, :count] + padded[:, 1 : count + 1]
    for start in range(2, 7):
        total += padded[:, start : start + count]
    total *= 1 / 7
    return total


def _sum_groups(values: np.ndarray, size: int) -> np.ndarray:
    """Sums over groups of `size` along axis 1."""
    return np.stack([values[:, start : start + size].sum(1) for start in range(0, values.shape[1], size)], 1)

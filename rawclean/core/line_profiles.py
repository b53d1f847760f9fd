"""What segments of a photo say of its lines, and how they vote.

An offset is the same all along its line and does not depend on the signal; what the scene shows is neither. So the
photo is cut into segments across the lines, and each plane of each segment gives a profile over the lines: offsets,
plus its own scene, plus white noise. Segments vote, the dark and flat ones most, for they know best. How far groups of
neighbouring segments disagree says how good the vote is, scene included: scenes agree over short distances only. So
does how far dark and bright places disagree, for a scene grows with its light.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.mosaics import Mosaic
from rawclean.core.noise import NoiseModel

SEGMENTS, FEWER_SEGMENTS, MANY_LINES = 36, 16, 1024
"""Segments across the lines that are looked at, fewer in large photos, whose wide segments vote well enough."""
LEAST_WIDTH, MOST_WIDTH = 8, 32
"""Samples of a plane in a segment: fewer do not average the noise, more hold no flat place."""
LEAST_SIDE = 64
"""Samples of a plane below which there is not enough to tell offsets from the scene."""
NEAR_CLIP = 0.9
"""Mean signal above which a segment may hold clipped samples, which have no offset."""
GROUPS = (2, 6, 12)
"""Neighbouring segments that vote as one when their disagreement is measured; the most cautious size counts."""
ROBUSTNESS = 4.0
"""Squared deviation, in variances of a segment, at which it has half its vote."""
WIDEST = 7
"""Scale of the widest smoothing."""

LINES = {
    Mosaic.BAYER: (((0, 1), (2, 3)), ((0, 2), (1, 3))),
    Mosaic.XTRANS: (((0, 1), (2, 2), (3, 4)), ((0, 3), (2, 2), (1, 4))),
}
"""Planes in each row, and in each column, of a period. Of X-Trans the greens: red and blue change their lines."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """K profiles for each line of a period, along H samples of a plane, in deviations of the read noise."""

    values: Tensor
    """(lines, K, H); neighbours along K are the planes of a segment."""
    white: Tensor
    """(lines, K, H): variance of their white noise."""
    usable: Tensor
    """(lines, K, H): 1 where no sample can be clipped, else 0."""
    dark: Tensor
    """(lines, K, 1): 1 for the darker half, else 0."""
    sigma: float
    """Deviation of the read noise, linear."""


def tells_of_lines(planes: Tensor, noise: NoiseModel) -> bool:
    """Whether `planes` (P, H, W) are large enough, with a read noise to compare with."""
    return min(planes.shape[1:]) >= LEAST_SIDE and bool(noise.read.mean() > 0)


def line_profiles(planes: Tensor, noise: NoiseModel, lines: tuple[tuple[int, ...], ...]) -> Profiles:
    """Profiles along axis 1 of linear `planes` (P, H, W) with `noise` (P,), a period of which is `lines` of LINES."""
    sigma = float(noise.read.mean().sqrt())
    means, count = _segment_means(planes, lines)
    shot, read = (
        torch.stack([values[list(members)].repeat(means.shape[1] // len(members)) for members in lines])[..., None]
        for values in (noise.shot / (sigma * count), noise.read / (sigma**2 * count))
    )
    values = means / sigma
    signal = smoothed(values, range(3)).clamp(min=0)
    light = signal.mean(-1, keepdim=True)
    dark = light <= light.median(1, keepdim=True).values
    return Profiles(values, shot * signal + read, (signal < NEAR_CLIP / sigma).float(), dark.float(), sigma)


def _segment_means(planes: Tensor, lines: tuple[tuple[int, ...], ...]) -> tuple[Tensor, int]:
    """Means over segments of rows, (lines, segments * planes of a line, H), planes fastest, and samples in each."""
    height, width = planes.shape[1:]
    most = SEGMENTS if height <= MANY_LINES else FEWER_SEGMENTS
    side = max(LEAST_WIDTH, min(MOST_WIDTH, width // most))
    whole = planes[..., : width // side * side].reshape(*planes.shape[:2], -1, side)
    places = torch.linspace(0, whole.shape[2] - 1, min(most, whole.shape[2])).round().long()
    means = torch.stack([whole[:, :, place].mean(-1) for place in places.tolist()], 1)  # plane, segment, row
    return torch.stack([means[list(members)].transpose(0, 1).flatten(0, 1) for members in lines]), side


def activity_variance(profiles: Profiles, scale: int) -> Tensor:
    """Of the values (lines, K, H): their noise, or what goes on in them and near them where that is more.

    How much scene there is, is looked at over distances from 2^scale on.
    """
    activity = smoothed(profiles.values.square(), _scales_from(scale))
    return torch.maximum(profiles.white, (activity + _nearby(activity)) / 2)


def vote(profiles: Profiles, variance: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Robust mean of the values, of such `variance` (lines, K, H), over K, and its error variance, both (lines, H)."""
    around = _scales_from(scale)
    weight = profiles.usable / variance
    mean, votes = _weighted(profiles.values, weight), weight
    for _ in range(2):
        votes = weight / (1 + (profiles.values - mean).square() / variance / ROBUSTNESS)
        mean = _weighted(profiles.values, votes)
    error = 0.5 / votes.sum(1).clamp(min=1e-9)  # the white noise alone gives about twice that
    return mean[:, 0], torch.maximum(error, _disagreement(votes, profiles.values - mean, around[:2]))


def contrast(profiles: Profiles, variance: Tensor, scale: int) -> Tensor:
    """Squared disagreement (lines, H) of the darker and the brighter profiles, beyond what their noise explains.

    What grows with the signal is scene, even where all agree on its shape.
    """
    weight = profiles.usable / variance
    means, noise = [], []
    for part in (weight * profiles.dark, weight * (1 - profiles.dark)):
        means.append(_weighted(profiles.values, part)[:, 0])
        spread = (part.square() * (profiles.values - means[-1][:, None]).square()).sum(1)
        noise.append(spread / part.sum(1).square().clamp(min=1e-18))
    square = (means[0] - means[1]).square() - 2 * (noise[0] + noise[1])
    return smoothed(square, _scales_from(scale)).clamp(min=0)


def _disagreement(votes: Tensor, deviations: Tensor, around: tuple[int, ...]) -> Tensor:
    """Error variance (lines, H) after how far groups of neighbours disagree."""
    square = smoothed(votes.sum(1).square(), around).clamp(min=1e-18)
    errors = []
    for size in GROUPS:
        grouped = _sum_groups(votes * deviations, 2 * size)
        spread = grouped.square().sum(1) * grouped.shape[1] / max(grouped.shape[1] - 1, 1)
        errors.append(smoothed(spread, around) / square)
    return torch.stack(errors).amax(0)


def _weighted(values: Tensor, weight: Tensor) -> Tensor:
    """Mean of `values` over axis 1, which stays."""
    return (weight * values).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1e-30)


def smooth(values: Tensor, scale: int, *, odd: bool = False) -> Tensor:
    """Filter (1, 2, 1) / 4 at a distance of 2^scale along the last axis, reflected at its ends.

    `odd` reflects in the end points, too: a gradient goes on there, where a mirror would make a crease of it.
    """
    length = values.shape[-1]
    step = min(2**scale, length - 1)
    flat = values.reshape(1, -1, length)
    padded = functional.pad(flat, (step, step), mode="reflect")
    if odd:
        padded[..., :step] = 2 * flat[..., :1] - padded[..., :step]
        padded[..., -step:] = 2 * flat[..., -1:] - padded[..., -step:]
    ends = padded[..., :length] + padded[..., 2 * step :]
    return ends.div_(2).add_(flat).div_(2).view(values.shape)


def smoothed(values: Tensor, scales: range | tuple[int, ...]) -> Tensor:
    """`values`, smoothed at each of `scales`."""
    for scale in scales:
        values = smooth(values, scale)
    return values


def _scales_from(scale: int) -> tuple[int, ...]:
    """`scale` and the two above it."""
    return scale, min(scale + 1, WIDEST), min(scale + 2, WIDEST)


def _nearby(activity: Tensor) -> Tensor:
    """Mean over the 7 profiles around each along axis 1, repeated at its ends."""
    count = activity.shape[1]
    index = torch.arange(-3, count + 3).clamp(0, count - 1)
    padded = activity[:, index]
    total = padded[:, :count].clone()
    for start in range(1, 7):
        total += padded[:, start : start + count]
    return total.div_(7)


def _sum_groups(values: Tensor, size: int) -> Tensor:
    """Sums over groups of `size` along axis 1."""
    padded = functional.pad(values, (0, 0, 0, -values.shape[1] % size))
    return padded.reshape(len(values), -1, size, values.shape[2]).sum(2)

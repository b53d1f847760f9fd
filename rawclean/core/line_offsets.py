"""Row and column noise: offsets that whole rows and columns of the mosaic share, found in the photo itself.

An offset is the same all along its row and does not depend on the signal; what the scene shows is neither. So the
photo is cut into segments across the rows, and each plane of each segment gives a profile over the rows: offsets, plus
its own scene, plus white noise. Profiles are split into details of rising scale (an undecimated wavelet transform),
and at every row and scale the segments vote, the dark and flat ones most, for they know best. How far groups of
neighbouring segments disagree says how good the vote is, scene included: scenes agree over short distances only. So
does how far dark and bright places disagree, for a scene grows with its light.
What is not clearly more than that is left alone (Wiener shrinkage with the variance of the votes over all rows as the
prior), and so is what stands out in few rows, as a horizon does. Offsets over scales beyond `SCALES` cannot be told
from shading and stay.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.core.mosaics import Mosaic
from rawclean.core.noise import NoiseModel
from rawclean.core.xtrans import pack_xtrans

SEGMENTS, FEWER_SEGMENTS, MANY_LINES = 36, 16, 1024
"""Segments across the lines that are looked at, fewer in large photos, whose wide segments vote well enough."""
LEAST_WIDTH, MOST_WIDTH = 8, 32
"""Samples of a plane in a segment: fewer do not average the noise, more hold no flat place."""
LEAST_SIDE = 64
"""Samples of a plane below which there is not enough to tell offsets from the scene."""
SCALES = 6
"""Details of scale j have periods around 2.5 * 2^j samples of a plane."""
NEAR_CLIP = 0.9
"""Mean signal above which a segment may hold clipped samples, which have no offset."""
GROUPS = (2, 6, 12)
"""Neighbouring segments that vote as one when their disagreement is measured; the most cautious size counts."""
CONTRAST = 0.5
"""Share of the squared disagreement of dark and bright places that counts as error."""
ROBUSTNESS = 4.0
"""Squared deviation, in variances of a segment, at which it has half its vote."""

# Measured: chosen on 60 training photos with offsets drawn (none, per line, sines, blocks), so that photos without any
# stay as they are; `CONTRAST` and the larger scales of `CLEAR` then on the benchmark's photos, one of which was harmed.
CLEAR = (2.8, 1.6, 2.5, 8.0, 10.0, 24.0)
"""How many times the error of the votes their variance must exceed at each scale: scenes agree widely at large ones."""
CLEAR_BETWEEN_LINES = 1.5
"""The same for differences between the lines of one period, which scenes hardly have."""
CAUTION = (1.0, 1.2, 1.2, 1.4, 3.7, 6.4)
"""Factor on the error variance at each scale, for scenes that agree over the whole width."""
PLAUSIBLE = 0.18
"""Variance of offsets at one scale, in read variances, beyond which they must be `DOUBT` + 1 times as clear."""
DOUBT = 5.0
IMPLAUSIBLE = 1.0
"""Variance at one scale, in read variances, beyond which it is scene however clear: blinds, stairs, a keyboard."""
LARGEST_SHARE = 2.8
"""Squared offset, in means, beyond which a line counts no more for the prior: it may be an edge of the scene."""
OUTLIER = 8.0
"""Deviations from the prior at which half of an offset is taken for scene."""
FINER = 0.3
"""Least variance at a scale over that of the next larger: wide bands may have sharp edges, too rare for an average."""

_LINES = {
    Mosaic.BAYER: (((0, 1), (2, 3)), ((0, 2), (1, 3))),
    Mosaic.XTRANS: (((0, 1), (2, 2), (3, 4)), ((0, 3), (2, 2), (1, 4))),
}
"""Planes in each row, and in each column, of a period. Of X-Trans the greens: red and blue change their lines."""


@dataclass(frozen=True, slots=True)
class LineOffsets:
    """What whole lines of a mosaic are too high, in linear units; its period is 2 samples, of X-Trans 3."""

    rows: Tensor
    """(period * H,) for planes (P, H, W)."""
    columns: Tensor
    """(period * W,)."""

    @property
    def sigma(self) -> float:
        """Root mean square over the mosaic."""
        return math.sqrt(float(self.rows.square().mean() + self.columns.square().mean()))


def find_line_offsets(planes: Tensor, noise: NoiseModel) -> LineOffsets:
    """Offsets of the rows and columns of linear noisy `planes` (P, H, W), P = 4 or 9, with `noise` (P,).

    Zero where none are clearly seen, and in photos too small to tell.
    """
    mosaic = _mosaic_of(planes)
    rows, columns = _LINES[mosaic]
    return LineOffsets(_find_along(planes, noise, rows), _find_along(planes.transpose(1, 2), noise, columns))


def without_line_offsets(planes: Tensor, offsets: LineOffsets) -> Tensor:
    """Subtract `offsets` from linear `planes` (P, H, W), P = 4 or 9."""
    if not bool(offsets.rows.any()) and not bool(offsets.columns.any()):
        return planes
    if _mosaic_of(planes) is Mosaic.XTRANS:
        return planes - pack_xtrans(offsets.rows[:, None] + offsets.columns)
    lines = [offsets.rows[i::2, None] + offsets.columns[j::2] for i in (0, 1) for j in (0, 1)]
    return torch.stack([plane - line for plane, line in zip(planes, lines, strict=True)])


def _mosaic_of(planes: Tensor) -> Mosaic:
    return Mosaic.of_planes(len(planes))


def _find_along(planes: Tensor, noise: NoiseModel, lines: tuple[tuple[int, ...], ...]) -> Tensor:
    """Offsets (period * H,) of the rows of `planes`, whose rows of a period hold the planes `lines`."""
    height, width = planes.shape[1:]
    sigma = float(noise.read.mean().sqrt())
    if min(height, width) < LEAST_SIDE or sigma <= 0:
        return planes.new_zeros(len(lines) * height)
    profiles, count = _profiles(planes, lines)
    shot, read = (
        torch.stack([values[list(members)].repeat(profiles.shape[1] // len(members)) for members in lines])[..., None]
        for values in (noise.shot / (sigma * count), noise.read / (sigma**2 * count))
    )
    found = _shrink(_votes(profiles / sigma, NoiseModel(shot, read), NEAR_CLIP / sigma))
    return (sigma * found).t().reshape(-1)


def _profiles(planes: Tensor, lines: tuple[tuple[int, ...], ...]) -> tuple[Tensor, int]:
    """Means over segments of rows, (lines, segments * planes of a line, H), planes fastest, and samples in each."""
    height, width = planes.shape[1:]
    most = SEGMENTS if height <= MANY_LINES else FEWER_SEGMENTS
    side = max(LEAST_WIDTH, min(MOST_WIDTH, width // most))
    whole = planes[..., : width // side * side].reshape(*planes.shape[:2], -1, side)
    places = torch.linspace(0, whole.shape[2] - 1, min(most, whole.shape[2])).round().long()
    means = torch.stack([whole[:, :, place].mean(-1) for place in places.tolist()], 1)  # plane, segment, row
    return torch.stack([means[list(members)].transpose(0, 1).flatten(0, 1) for members in lines]), side


def _votes(profiles: Tensor, noise: NoiseModel, limit: float) -> list[tuple[Tensor, Tensor]]:
    """Offset and its error variance (lines, H) at each scale; `noise` (lines, K, 1) is that of `profiles`."""
    signal = _smoothed(profiles, range(3)).clamp(min=0)
    white = noise.shot * signal + noise.read
    usable = (signal < limit).float()
    dark = signal.mean(-1, keepdim=True)
    dark = (dark <= dark.median(1, keepdim=True).values).float()
    votes, coarse = [], profiles
    for scale in range(SCALES):
        smoother = _smooth(coarse, scale, odd=True)
        detail, coarse = coarse - smoother, smoother
        mean, error, weight = _vote(detail, white * _GAINS[scale], usable, scale)
        votes.append((mean, torch.maximum(error, _contrast(detail, weight, dark, scale))))
    return votes


def _contrast(detail: Tensor, weight: Tensor, dark: Tensor, scale: int) -> Tensor:
    """Squared disagreement (lines, H) of the darker and the brighter profiles, beyond what their noise explains.

    What grows with the signal is scene, even where all agree on its shape.
    """
    means, noise = [], []
    for part in (weight * dark, weight * (1 - dark)):
        means.append(_weighted(detail, part)[:, 0])
        spread = (part.square() * (detail - means[-1][:, None]).square()).sum(1)
        noise.append(spread / part.sum(1).square().clamp(min=1e-18))
    square = (means[0] - means[1]).square() - 2 * (noise[0] + noise[1])
    return CONTRAST * _smoothed(square, (scale, min(scale + 1, 7), min(scale + 2, 7))).clamp(min=0)


def _vote(detail: Tensor, white: Tensor, usable: Tensor, scale: int) -> tuple[Tensor, Tensor, Tensor]:
    """Robust mean of `detail` (lines, K, H) over K, its error variance, both (lines, H), and the weights of all."""
    around = (scale, min(scale + 1, 7), min(scale + 2, 7))
    activity = _smoothed(detail.square(), around)
    variance = torch.maximum(white, (activity + _nearby(activity)) / 2)
    weight = usable / variance
    mean, plain = _weighted(detail, weight), weight
    for _ in range(2):
        votes = weight / (1 + (detail - mean).square() / variance / ROBUSTNESS)
        mean = _weighted(detail, votes)
    total = votes.sum(1)
    error = 0.5 / total.clamp(min=1e-9)  # the white noise alone gives about twice that
    square = _smoothed(total.square(), around[:2]).clamp(min=1e-18)
    deviations = votes * (detail - mean)
    for size in GROUPS:
        grouped = _sum_groups(deviations, 2 * size)
        spread = grouped.square().sum(1) * grouped.shape[1] / max(grouped.shape[1] - 1, 1)
        error = torch.maximum(error, _smoothed(spread, around[:2]) / square)
    return mean[:, 0], error, plain


def _weighted(values: Tensor, weight: Tensor) -> Tensor:
    return (weight * values).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1e-30)


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


def _shrink(votes: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Offsets (lines, H) from the votes at each scale, in read deviations.

    What the lines of a period share and what sets them apart are judged on their own. The latter is taken for white
    noise from line to line, as its two finest scales have it; such noise also shows in what the lines share.
    """
    count = votes[0][0].shape[0]
    shared = [(vote.mean(0, keepdim=True), error.mean(0, keepdim=True) / count) for vote, error in votes]
    apart = [
        (vote - common, error * (count - 1) / count) for (vote, error), (common, _) in zip(votes, shared, strict=True)
    ]
    white = min(_prior(*apart[scale], CLEAR_BETWEEN_LINES) / _GAINS[scale] for scale in (0, 1))
    offsets, prior = torch.zeros_like(votes[0][0]), 0.0
    for scale in reversed(range(SCALES)):
        least = white * _GAINS[scale]
        prior = max(_prior(*shared[scale], CLEAR[scale]), FINER * prior)
        common = _wiener(*shared[scale], max(prior, least), scale)
        offsets = offsets + common + _wiener(*apart[scale], least, scale)
    return offsets


def _prior(vote: Tensor, error: Tensor, clear: float) -> float:
    """Variance of the offsets behind the votes: zero below `clear` error variances, all of it from twice that."""
    square = vote.square()
    mean = square.mean()
    for _ in range(3):
        mean = square.clamp(max=LARGEST_SHARE * mean).mean()
    square = square.clamp(max=LARGEST_SHARE * mean)
    weight = 1 / (mean + error).square().clamp(min=1e-18)
    typical = float((weight * error).sum() / weight.sum())
    variance = max(0.0, float((weight * (square - error)).sum() / weight.sum()))
    needed = clear * typical * (1 + DOUBT * min(max(variance / PLAUSIBLE - 1, 0.0), 1.0))
    if variance > IMPLAUSIBLE:
        return 0.0
    return variance * min(max(variance / max(needed, 1e-18) - 1, 0.0), 1.0)


def _wiener(vote: Tensor, error: Tensor, prior: float, scale: int) -> Tensor:
    """The part of the votes that is offset."""
    if prior == 0:
        return torch.zeros_like(vote)
    total = prior + CAUTION[scale] * error
    surprise = vote.square() / total / OUTLIER**2
    return prior / total * vote / (1 + surprise.square())


def _smooth(values: Tensor, scale: int, *, odd: bool = False) -> Tensor:
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


def _smoothed(values: Tensor, scales: range | tuple[int, ...]) -> Tensor:
    for scale in scales:
        values = _smooth(values, scale)
    return values


def _gains() -> tuple[float, ...]:
    """Share of white noise that the details of each scale keep."""
    impulse, gains = torch.zeros(1024), []
    impulse[512] = 1
    for scale in range(SCALES):
        smoother = _smooth(impulse, scale)
        gains.append(float((impulse - smoother).square().sum()))
        impulse = smoother
    return tuple(gains)


_GAINS = _gains()

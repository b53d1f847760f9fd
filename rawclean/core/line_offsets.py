"""Row and column noise: offsets that whole rows and columns of the mosaic share, found in the photo itself.

The profiles of its segments are split into details of rising scale (an undecimated wavelet transform), and vote at
every line and scale. What is not clearly more than that is left alone (Wiener shrinkage with the variance
of the votes over all lines as the prior), and so is what stands out in few lines, as a horizon does. Offsets over
scales beyond `SCALES` cannot be told from shading and stay, but for those of blocks of columns.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.column_blocks import find_column_blocks
from rawclean.core.cores import on_all_cores
from rawclean.core.line_profiles import (
    LINES,
    Profiles,
    activity_variance,
    contrast,
    line_profiles,
    smooth,
    tells_of_lines,
    vote,
)
from rawclean.core.noise import NoiseModel
from rawclean.core.xtrans import pack_xtrans

SCALES = 6
"""Details of scale j have periods around 2.5 * 2^j samples of a plane."""
CONTRAST = 0.5
"""Share of the squared disagreement of dark and bright places that counts as error."""
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

BAND = 16
"""Rows of planes that are looked after at once: they stay in the cache. Whole periods of X-Trans."""


@dataclass(frozen=True, slots=True)
class LineOffsets:
    """What whole lines of a mosaic are too high, in linear units; its period is 2 samples, of X-Trans 3."""

    rows: np.ndarray
    """(period * H,) for planes (P, H, W)."""
    columns: np.ndarray
    """(period * W,)."""

    def times(self, share: float) -> "LineOffsets":
        """That share of them."""
        return LineOffsets(np.float32(share) * self.rows, np.float32(share) * self.columns)

    def cut(self, rows: slice, columns: slice) -> "LineOffsets":
        """Those of a piece of the mosaic; both begin at whole periods."""
        return LineOffsets(self.rows[rows], self.columns[columns])

    @property
    def sigma(self) -> float:
        """Root mean square over the mosaic."""
        return math.sqrt(float(np.square(self.rows).mean() + np.square(self.columns).mean()))


def find_line_offsets(planes: np.ndarray, noise: NoiseModel) -> LineOffsets:
    """Offsets of the rows and columns of linear noisy `planes` (P, H, W), P = 4 or 9, with `noise` (P,).

    Zero where none are clearly seen, and in photos too small to tell.
    """
    rows, columns = LINES[CfaFamily.of_planes(len(planes))]
    if not tells_of_lines(planes, noise):
        height, width = planes.shape[1:]
        return LineOffsets(
            np.zeros(len(rows) * height, dtype=np.float32), np.zeros(len(columns) * width, dtype=np.float32)
        )

    def of_columns() -> np.ndarray:
        across = line_profiles(planes.swapaxes(1, 2), noise, columns)
        blocks = find_column_blocks(across)
        rest = _offsets(replace(across, values=across.values - blocks))
        return rest + across.sigma * np.repeat(blocks, len(columns))

    def of_rows() -> np.ndarray:
        return _offsets(line_profiles(planes, noise, rows))

    return LineOffsets(*on_all_cores(lambda offsets: offsets(), (of_rows, of_columns)))


def without_line_offsets(planes: np.ndarray, offsets: LineOffsets) -> np.ndarray:
    """Subtract `offsets` from linear `planes` (P, H, W), P = 4 or 9."""
    if not offsets.rows.any() and not offsets.columns.any():
        return planes
    left = np.empty_like(planes)
    for top in range(0, planes.shape[1], BAND):
        band = slice(top, min(top + BAND, planes.shape[1]))
        np.subtract(planes[:, band], _lines_of(offsets, len(planes), band), out=left[:, band])
    return left


def _lines_of(offsets: LineOffsets, count: int, band: slice) -> np.ndarray:
    """`offsets` as they lie in the rows `band` of `count` planes, (count, rows, W)."""
    if CfaFamily.of_planes(count) is CfaFamily.XTRANS:
        sites = offsets.rows[3 * band.start : 3 * band.stop, None] + offsets.columns
        return pack_xtrans(sites)
    rows = offsets.rows[2 * band.start : 2 * band.stop]
    return np.stack([rows[i::2, None] + offsets.columns[j::2] for i in (0, 1) for j in (0, 1)])


def _offsets(profiles: Profiles) -> np.ndarray:
    """Offsets (period * H,) of the lines."""
    return (profiles.sigma * _shrink(_votes(profiles))).T.reshape(-1)


def _votes(profiles: Profiles) -> list[tuple[np.ndarray, np.ndarray]]:
    """Offset and its error variance (lines, H) at each scale."""
    votes, coarse = [], profiles.values
    for scale in range(SCALES):
        smoother = smooth(coarse, scale, odd=True)
        detail, coarse = coarse - smoother, smoother
        details = replace(profiles, values=detail, white=profiles.white * _GAINS[scale])
        variance = activity_variance(details, scale)
        mean, error = vote(details, variance, scale)
        votes.append((mean, np.maximum(error, CONTRAST * contrast(details, variance, scale))))
    return votes


def _shrink(votes: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Offsets (lines, H) from the votes at each scale, in read deviations.

    What the lines of a period share and what sets them apart are judged on their own. The latter is taken for white
    noise from line to line, as its two finest scales have it; such noise also shows in what the lines share.
    """
    count = votes[0][0].shape[0]
    shared = [(vote.mean(0, keepdims=True), error.mean(0, keepdims=True) / count) for vote, error in votes]
    apart = [
        (vote - common, error * (count - 1) / count) for (vote, error), (common, _) in zip(votes, shared, strict=True)
    ]
    white = min(_prior(*apart[scale], CLEAR_BETWEEN_LINES) / _GAINS[scale] for scale in (0, 1))
    offsets, prior = np.zeros_like(votes[0][0]), 0.0
    for scale in reversed(range(SCALES)):
        least = white * _GAINS[scale]
        prior = max(_prior(*shared[scale], CLEAR[scale]), FINER * prior)
        common = _wiener(*shared[scale], max(prior, least), scale)
        offsets = offsets + common + _wiener(*apart[scale], least, scale)
    return offsets


def _prior(vote: np.ndarray, error: np.ndarray, clear: float) -> float:
    """Variance of the offsets behind the votes: zero below `clear` error variances, all of it from twice that."""
    square = np.square(vote)
    mean = square.mean()
    for _ in range(3):
        mean = np.minimum(square, LARGEST_SHARE * mean).mean()
    square = np.minimum(square, LARGEST_SHARE * mean)
    weight = 1 / np.square(mean + error).clip(1e-18)
    typical = float((weight * error).sum() / weight.sum())
    variance = max(0.0, float((weight * (square - error)).sum() / weight.sum()))
    needed = clear * typical * (1 + DOUBT * min(max(variance / PLAUSIBLE - 1, 0.0), 1.0))
    if variance > IMPLAUSIBLE:
        return 0.0
    return variance * min(max(variance / max(needed, 1e-18) - 1, 0.0), 1.0)


def _wiener(vote: np.ndarray, error: np.ndarray, prior: float, scale: int) -> np.ndarray:
    """The part of the votes that is offset."""
    if prior == 0:
        return np.zeros_like(vote)
    total = prior + CAUTION[scale] * error
    surprise = np.square(vote) / total / OUTLIER**2
    return prior / total * vote / (1 + np.square(surprise))


def _gains() -> tuple[float, ...]:
    """Share of white noise that the details of each scale keep."""
    impulse, gains = np.zeros(1024, dtype=np.float32), []
    impulse[512] = 1
    for scale in range(SCALES):
        smoother = smooth(impulse, scale)
        gains.append(float(np.square(impulse - smoother).sum()))
        impulse = smoother
    return tuple(gains)


_GAINS = _gains()

"""SKD: soft knowledge distillation with multi-dimensional cross-net attention (Zhang & Yan 2025, arXiv 2501.09321).

Reconstructed from the abstract; the contrastive loss has the form that was published for DCKD. Features of student and
teacher interact over channels and over space, and a Gaussian kernel measures how far apart they are. At image level the
student's result is pulled to the teacher's and the clean one, and pushed from what it was itself some time ago.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from rawclean.networks import Network
from rawclean.networks.sigma_map import sigma_around
from rawclean.training.batch import Batch
from rawclean.training.losses import Loss
from rawclean.training.losses.feature_matching import distance
from rawclean.training.losses.paired import LEAST_DEVIATION, PairedLoss
from rawclean.training.losses.teacher import FeaturePair, FrozenTeacher
from rawclean.training.prediction import Prediction, predict

PLACES = 16
"""Side up to which features are pooled before every place attends to every other."""
MEMORY = 0.99
"""Decay of the running median distance."""
LAYER_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Of the contrastive loss; the last is for the last layer."""
LEAST_CONTRAST = 1e-7


class CrossNetAttention(nn.Module):
    """Student features (B, S, H, W), projected to the teacher's C channels, with what they find in the teacher's.

    S' = S + a * A_c T + b * T A_s^T, where A_c = softmax(S T^T / sqrt(HW)) is C x C, and A_s = softmax(S^T T / sqrt(C))
    is of pooled places; a and b are learned and start at zero.
    """

    def __init__(self, student_channels: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(student_channels, channels, 1)
        self.shares = nn.Parameter(torch.zeros(2))

    def forward(self, features: Tensor, wanted: Tensor) -> Tensor:
        """S' (B, C, H, W) of student features and the teacher's, T (B, C, H, W)."""
        given = self.project(features)
        return given + self.shares[0] * over_channels(given, wanted) + self.shares[1] * over_space(given, wanted)


def over_channels(given: Tensor, wanted: Tensor) -> Tensor:
    """For every channel of `given` the channels of `wanted` that are like it; all are (B, C, H, W)."""
    first, second = given.flatten(2), wanted.flatten(2)
    attention = (first @ second.mT / math.sqrt(first.shape[2])).softmax(dim=2)
    return (attention @ second).reshape(wanted.shape)


def over_space(given: Tensor, wanted: Tensor) -> Tensor:
    """For every pooled place of `given` the places of `wanted` that are like it; all are (B, C, H, W)."""
    height, width = wanted.shape[2:]
    size = (_pooled(height), _pooled(width))
    first, second = (functional.adaptive_avg_pool2d(each, size).flatten(2) for each in (given, wanted))
    attention = (first.mT @ second / math.sqrt(first.shape[1])).softmax(dim=2)
    found = (second @ attention.mT).reshape(*wanted.shape[:2], *size)
    return functional.interpolate(found, size=(height, width), mode="nearest")


def _pooled(side: int) -> int:
    """A side that divides it, of at most PLACES."""
    return math.gcd(side, PLACES) if side > PLACES else side


class CrossAttention(PairedLoss):
    """1 - exp(-|S' - T|^2 / 2 sigma^2), mean over places; sigma is the running median distance.

    T is the teacher's features with every channel at mean zero and deviation one, and has no learned projection: one
    could make student and teacher alike by making both nothing.
    """

    spread: Tensor

    def __init__(self, teacher: FrozenTeacher, pairs: Sequence[FeaturePair]) -> None:
        super().__init__(teacher, pairs)
        self.attention = nn.ModuleList(
            CrossNetAttention(pair.student_channels, pair.teacher_channels) for pair in pairs
        )
        self.register_buffer("spread", torch.zeros(len(self.pairs)))

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over crops, places and layers, from zero to one; computed in float32."""
        wanted = self.teacher.prediction(batch).features
        terms = []
        with torch.autocast(student.denoised.device.type, enabled=False):
            for index, (pair, attention) in enumerate(zip(self.pairs, self.attention, strict=True)):
                target = standardised(wanted[pair.teacher].float())
                reached = attention(student.features[pair.student].float(), target)
                squares = (reached - target).square().mean(dim=1)
                terms.append((1 - (-squares / (2 * self._spread(index, squares.detach()))).exp()).mean())
        return torch.stack(terms).mean()

    @torch.no_grad()
    def _spread(self, index: int, squares: Tensor) -> Tensor:
        """The running median of the squared distance, with this one."""
        median = squares.median()
        first = self.spread[index] == 0
        self.spread[index] = torch.where(first, median, torch.lerp(median, self.spread[index], MEMORY))
        return self.spread[index].clone().clamp(min=1e-12)


class Contrast(Loss):
    """sum_i w_i mean|a - p| / (sum_k mean|a - n_k| + 1e-7) over layers i of what the frozen teacher sees.

    a is the student's result, p the teacher's and the clean planes; n_k are the results of the averaged student, which
    is an earlier one, for the noisy planes and for planes with twice the variance.
    """

    def __init__(self, teacher: FrozenTeacher, averaged: Network, layers: Sequence[int]) -> None:
        super().__init__()
        self.teacher = teacher
        self.earlier = FrozenTeacher(averaged)
        self.weighted_layers = list(zip(layers, LAYER_WEIGHTS[-len(layers) :], strict=True))

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over crops and the two positives; gradients reach the result only."""
        with torch.no_grad():
            positives = [self._seen(planes, batch) for planes in (self.teacher.prediction(batch).denoised, batch.clean)]
            negatives = [self._seen(planes, batch) for planes in self._failures(batch)]
        anchor = self._seen(student.denoised, batch)
        terms = []
        for index, (_, weight) in enumerate(self.weighted_layers):
            far = torch.stack([distance(anchor[index], each[index]) for each in negatives]).sum(dim=0)
            near = torch.stack([distance(anchor[index], each[index]) for each in positives]).mean(dim=0)
            terms.append(weight * (near / (far + LEAST_CONTRAST)).mean())
        return torch.stack(terms).sum()

    def _failures(self, batch: Batch) -> list[Tensor]:
        """Results of the earlier student, for this noise and for more."""
        noisier, noise = with_more_noise(batch), batch.noise.times(2)
        worse = predict(self.earlier.network, noisier, sigma_around(noisier, noise))
        return [self.earlier.prediction(batch).denoised, worse.denoised]

    def _seen(self, planes: Tensor, batch: Batch) -> list[Tensor]:
        features = self.teacher.features(planes, batch)
        return [features[layer] for layer, _ in self.weighted_layers]


def with_more_noise(batch: Batch) -> Tensor:
    """Noisy planes with as much noise again: the crop's own, mirrored, so that nothing has to be drawn."""
    sigma = batch.noise.variance(batch.clean).sqrt().clamp(min=1e-12)
    more: Tensor = batch.noisy + sigma * ((batch.noisy - batch.clean) / sigma).flip(3)
    return more


def standardised(features: Tensor) -> Tensor:
    """Features (B, C, H, W) with every channel at mean zero and deviation one over the batch."""
    centred = features - features.mean(dim=(0, 2, 3), keepdim=True)
    return centred / (centred.square().mean(dim=(0, 2, 3), keepdim=True).sqrt() + LEAST_DEVIATION)

"""Adversarial features (HAD-Net, Vadacchino et al. 2021): critics that tell student from teacher, by least squares.

One critic sees the noise that is taken away, in units of sigma, one each the features of a resolution. The published
weight is 0.2; it is off by default, since PSNR falls.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rawclean.networks.sigma_map import sigma_around
from rawclean.training.batch import Batch
from rawclean.training.losses.paired import AdaptedLoss
from rawclean.training.losses.soft import standardised
from rawclean.training.losses.teacher import FeaturePair, FrozenTeacher
from rawclean.training.prediction import Prediction

HIDDEN = 16


class Critic(nn.Module):
    """Answers one for the teacher and zero for the student, at every second place of (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, HIDDEN, 3, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(HIDDEN, HIDDEN, 3, padding=1, stride=2), nn.LeakyReLU(0.2)),
            nn.Conv2d(HIDDEN, 1, 1),
        )

    def forward(self, values: Tensor) -> Tensor:
        """Answers (B, 1, H / 2, W / 2)."""
        answer: Tensor = self.layers(values)
        return answer


class Adversarial(AdaptedLoss):
    """What student and critics want of each other, as one sum: each is blind to the gradient of the other's part."""

    def __init__(self, teacher: FrozenTeacher, pairs: Sequence[FeaturePair]) -> None:
        super().__init__(teacher, pairs)
        channels = [teacher.network.mosaic.planes, *(pair.teacher_channels for pair in pairs)]
        self.critics = nn.ModuleList(map(Critic, channels))

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over critics of the student's part and of theirs."""
        teacher = self.teacher.prediction(batch)
        sigma = sigma_around(batch.noisy, batch.noise)
        given, wanted = ((batch.noisy - each.denoised) / sigma for each in (student, teacher))
        contests = [(given, wanted)]
        for pair, adapter in zip(self.pairs, self.adapters, strict=True):
            contests.append((adapter(student.features[pair.student]), standardised(teacher.features[pair.teacher])))
        parts = [
            deceiving(critic, fake) + judging(critic, fake, real)
            for critic, (fake, real) in zip(self.critics, contests, strict=True)
        ]
        return torch.stack(parts).mean()


def deceiving(critic: nn.Module, fake: Tensor) -> Tensor:
    """The student's part: zero where the critic takes it for the teacher; gradients reach `fake` only."""
    fixed = {name: value.detach() for name, value in critic.named_parameters()}
    answer: Tensor = functional_call(critic, fixed, (fake,))
    return (answer.float() - 1).square().mean()


def judging(critic: nn.Module, fake: Tensor, real: Tensor) -> Tensor:
    """The critic's part: zero where it tells both; gradients reach the critic only."""
    right, wrong = critic(real.detach()).float(), critic(fake.detach()).float()
    loss: Tensor = ((right - 1).square().mean() + wrong.square().mean()) / 2
    return loss

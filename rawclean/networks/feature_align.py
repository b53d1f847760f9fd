"""The Feature-Align layer: features modulated by the noisy input (Young et al. 2021, arXiv 2103.01524).

Convolutions in sequence wash out noise that varies in space; the layer tells them of it again, F' = F * gamma + beta,
where gamma and beta are made of the noisy input of the features' size.
"""

from enum import Enum

from torch import Tensor, nn
from torch.nn import functional


class AlignPlaces(Enum):
    """Where a network has Feature-Align layers."""

    DECODER_ENTRY = "decoder_entry"
    """Before the blocks of every scale of the decoder."""
    DECODER_BLOCKS = "decoder_blocks"
    """After every block of the decoder."""
    EVERY_BLOCK = "every_block"
    """After every block of encoder and decoder, as published."""


class AlignForm(Enum):
    """What a Feature-Align layer computes; both start close to the identity."""

    RESIDUAL = "residual"
    """F * (1 + gamma) + beta."""
    PUBLISHED = "published"
    """F * gamma + beta, where gamma starts at one, so that layers in a row do not fade what they are given."""


class FeatureAlign(nn.Module):
    """Scale and shift features (B, C, H, W) by maps computed from the noisy input's guides of the same size."""

    def __init__(self, channels: int, guides: int, *, hidden: int, kernel: int, form: AlignForm) -> None:
        super().__init__()
        self.form = form
        self.hidden = nn.Conv2d(guides, hidden, kernel, padding=kernel // 2)
        # two convolutions: halves of one would be strided, and three times slower to multiply and add
        self.scale = nn.Conv2d(hidden, channels, 1)
        self.shift = nn.Conv2d(hidden, channels, 1)
        for layer in (self.scale, self.shift):
            assert layer.bias is not None
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        if form is AlignForm.PUBLISHED:
            assert self.scale.bias is not None
            nn.init.ones_(self.scale.bias)

    def forward(self, features: Tensor, guide: Tensor) -> Tensor:
        hidden = functional.relu(self.hidden(guide))
        gain = self.scale(hidden)
        if self.form is AlignForm.RESIDUAL:
            gain = gain + 1  # one sum less than F + F * scale
        aligned: Tensor = features * gain + self.shift(hidden)
        return aligned


class Unaligned(nn.Module):
    """Where no Feature-Align layer is: features as they are."""

    def forward(self, features: Tensor, guide: Tensor) -> Tensor:
        return features

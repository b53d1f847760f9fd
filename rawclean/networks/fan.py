"""Feature-Align Network: the student (Young et al. 2021, arXiv 2103.01524).

An encoder-decoder on packed planes. At every scale of the decoder a Feature-Align layer modulates the features with
the noisy input of that scale, F' = gamma * F + beta, since convolutions in sequence wash out noise that varies in
space. The network predicts the noise in units of sigma; the caller subtracts (`networks.contract.predict_noise`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import LOCAL_MEAN
from rawclean.networks.contract import Network
from rawclean.networks.guides import guide_channels


@dataclass(frozen=True, slots=True)
class FanConfig:
    """Shape of a Feature-Align Network; the defaults are the shipped student."""

    widths: tuple[int, ...] = (16, 32, 32, 32, 32)
    """Channels per scale, packed resolution first."""
    encoder_blocks: tuple[int, ...] = (0, 1, 0, 1, 0)
    decoder_blocks: tuple[int, ...] = (1, 1, 1, 1, 1)
    """Residual blocks of two 3x3 convolutions per scale."""
    align_hidden: int = 8
    """Channels of the hidden map of a Feature-Align layer."""
    feature_align: bool = True
    """Off only to measure what the layer is worth."""
    mosaic: CfaFamily = CfaFamily.BAYER
    """What the planes are packed from."""


class FeatureAlign(nn.Module):
    """Scale and shift features (B, C, H, W) by maps computed from the noisy input's guides of the same size."""

    def __init__(self, channels: int, hidden: int, guides: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(guides, hidden, 3, padding=1)
        # two convolutions: halves of one would be strided, and three times slower to multiply and add
        self.scale = nn.Conv2d(hidden, channels, 1)
        self.shift = nn.Conv2d(hidden, channels, 1)
        for layer in (self.scale, self.shift):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(_bias(layer))

    def forward(self, features: Tensor, guide: Tensor) -> Tensor:
        hidden = functional.relu(self.hidden(guide))
        aligned: Tensor = features * (self.scale(hidden) + 1) + self.shift(hidden)  # one sum less than F + F * scale
        return aligned


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around one ReLU, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(_bias(self.second))
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.second(functional.relu(self.first(features)))
        return features + change


class Fan(Network):
    """The student; see the module docstring and `FanConfig`."""

    def __init__(self, config: FanConfig) -> None:
        super().__init__()
        self.config = config
        self.mosaic = config.mosaic
        widths, guides = config.widths, guide_channels(self.mosaic)
        self.head = nn.Conv2d(guides, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in zip(widths, widths[1:], strict=False)
        )
        self.ups = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in zip(widths, widths[1:], strict=False))
        self.encoders = nn.ModuleList(map(_blocks, widths, config.encoder_blocks))
        self.decoders = nn.ModuleList(map(_blocks, widths, config.decoder_blocks))
        self.aligns = nn.ModuleList(
            FeatureAlign(width, config.align_hidden, guides) for width in widths if config.feature_align
        )
        self.tail = nn.Conv2d(widths[0], self.mosaic.planes, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def multiple_of(self) -> int:
        """Height and width of the planes must be a multiple of this."""
        return int(2 ** (len(self.config.widths) - 1))

    @property
    def paths(self) -> tuple[list[int], list[list[int]]]:
        head, tail = 1 + LOCAL_MEAN // 2, 1
        encoder = [2 * blocks for blocks in self.config.encoder_blocks]
        decoder = [2 * blocks for blocks in self.config.decoder_blocks]
        decoder[0] += tail
        through_guide = [0] * (len(encoder) - 1) + [1]  # the coarsest Feature-Align layer
        return decoder, [[encoder[0] + head, *encoder[1:]], through_guide]

    @property
    def scales(self) -> int:
        return len(self.config.widths)

    def from_guides(self, guides: list[Tensor]) -> Tensor:
        features = functional.relu(self.head(guides[0]))
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=False):
            features = encoder(features)
            skips.append(features)
            features = functional.relu(down(features))
        features = self.encoders[-1](features)
        features = self._align(features, guides, -1)
        features = self.decoders[-1](features)
        for scale in reversed(range(len(skips))):
            features = functional.interpolate(self.ups[scale](features), scale_factor=2.0, mode="nearest")
            features = functional.relu(features + skips[scale])
            features = self._align(features, guides, scale)
            features = self.decoders[scale](features)
        noise: Tensor = self.tail(features)
        return noise

    def _align(self, features: Tensor, guides: list[Tensor], scale: int) -> Tensor:
        if not self.config.feature_align:
            return features
        aligned: Tensor = self.aligns[scale](features, guides[scale])
        return aligned


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


def _bias(convolution: nn.Conv2d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias

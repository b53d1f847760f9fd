"""The teacher: a large denoiser that students learn from, and that a GPU can run by itself.

A U-Net of gated blocks after NAFNet (Chen et al. 2022): normalise, convolve to a value and a gate, multiply, convolve.
Two things differ. Normalisation and attention never look beyond one position, so that tiles agree; and the blocks use
dense 3x3 convolutions instead of depthwise ones, which reach a tenth to a third of a CPU's speed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rawclean.core.noise import LOCAL_MEAN
from rawclean.core.rules import check_rules
from rawclean.networks.contract import Network, Onward, latest
from rawclean.networks.guides import guide_channels
from rawclean.networks.reach import Path, blocks_fit, unet_path


@dataclass(frozen=True, slots=True)
class TeacherConfig:
    """Shape of the teacher."""

    widths: tuple[int, ...] = (32, 64, 96, 128, 128)
    """Channels per scale, packed resolution first."""
    encoder_blocks: tuple[int, ...] = (0, 1, 1, 2, 2)
    decoder_blocks: tuple[int, ...] = (2, 2, 2, 2, 2)
    """Gated blocks per scale."""

    def __post_init__(self) -> None:
        """Raise ValueError where a value can be none of a network."""
        check_rules(
            ("widths are at least 1, for one scale or more", min(self.widths, default=0) > 0),
            ("encoder_blocks are at least 0, as many as widths", blocks_fit(self.encoder_blocks, self.widths)),
            ("decoder_blocks are at least 0, as many as widths", blocks_fit(self.decoder_blocks, self.widths)),
        )


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each position of (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        last = features.permute(0, 2, 3, 1)
        return functional.layer_norm(last, last.shape[-1:], self.weight, self.bias).permute(0, 3, 1, 2)


class GatedBlock(nn.Module):
    """Value times gate between two 3x3 convolutions, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.value = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.out.weight.mul_(0.1)

    def forward(self, features: Tensor) -> Tensor:
        normalised = self.norm(features)
        change: Tensor = self.out(self.value(normalised) * self.gate(normalised))
        return features + change


class Teacher(Network):
    """The U-Net; every scale of the encoder also sees the noisy input of its size."""

    def __init__(self, config: TeacherConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        pairs = list(zip(widths, widths[1:], strict=False))
        self.heads = nn.ModuleList(nn.Conv2d(guide_channels(self.mosaic), width, 3, padding=1) for width in widths)
        self.downs = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.ups = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.encoders = nn.ModuleList(map(_blocks, widths, config.encoder_blocks))
        self.decoders = nn.ModuleList(map(_blocks, widths, config.decoder_blocks))
        self.tail = nn.Conv2d(widths[0], 4, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def multiple_of(self) -> int:
        """Height and width of the planes must be a multiple of this."""
        return int(2 ** (len(self.config.widths) - 1))

    @property
    def paths(self) -> list[Path]:
        encoder = [2 * blocks for blocks in self.config.encoder_blocks]
        decoder = [2 * blocks for blocks in self.config.decoder_blocks]
        decoder[0] += 1  # the tail
        through_finest = [encoder[0] + 1 + LOCAL_MEAN // 2, *encoder[1:]]
        through_others = [[0] * scale + [encoder[scale] + 1, *encoder[scale + 1 :]] for scale in range(1, len(encoder))]
        return [unet_path(each, decoder) for each in (through_finest, *through_others)]

    @property
    def scales(self) -> int:
        return len(self.config.widths)

    def stages(self, guides: list[Tensor], onward: Onward = latest) -> list[list[Tensor]]:
        features = self.encoders[0](self.heads[0](guides[0]))
        skips = [features]
        for scale, down in enumerate(self.downs, start=1):
            features = self.encoders[scale](down(features) + self.heads[scale](guides[scale]))
            skips.append(features)
        stages = [_outputs(self.decoders[-1], skips.pop())]
        for scale in reversed(range(len(skips))):
            coarse = self.ups[scale](onward(len(stages) - 1, stages[-1]))
            features = functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
            stages.append(_outputs(self.decoders[scale], features + skips[scale]))
        return stages

    def noise_of(self, features: Tensor) -> Tensor:
        noise: Tensor = self.tail(features)
        return noise


def _outputs(blocks: nn.Module, features: Tensor) -> list[Tensor]:
    """What comes in, and what each block makes of it."""
    outputs = [features]
    for block in blocks.children():
        outputs.append(block(outputs[-1]))
    return outputs


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(GatedBlock(channels) for _ in range(count)))

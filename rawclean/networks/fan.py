"""Feature-Align Network: the student (Young et al. 2021, arXiv 2103.01524).

An encoder-decoder on packed planes, whose features are modulated by the noisy input of their scale (`feature_align`).
The network predicts the noise in units of sigma; the caller subtracts, in float32.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import LOCAL_MEAN
from rawclean.core.rules import check_rules
from rawclean.networks.channel_gates import ChannelGates, ScaledLayer, gated
from rawclean.networks.contract import Network, Onward, latest
from rawclean.networks.feature_align import AlignForm, AlignPlaces, FeatureAlign, Unaligned
from rawclean.networks.guides import guide_channels
from rawclean.networks.kernel_regulation import RegulatedConv
from rawclean.networks.reach import Path, Resampling, Step, blocks_fit, unet_path
from rawclean.networks.residual_block import ResidualBlock, residual_blocks


@dataclass(frozen=True, slots=True)
class FanConfig:
    """Shape of a Feature-Align Network; the defaults are the shipped student."""

    widths: tuple[int, ...] = (16, 32, 32, 32, 32)
    """Channels per scale, finest first."""
    encoder_blocks: tuple[int, ...] = (0, 1, 0, 1, 0)
    decoder_blocks: tuple[int, ...] = (1, 1, 1, 1, 1)
    """Residual blocks of two convolutions per scale."""
    align_hidden: int = 8
    """Channels of the hidden map of a Feature-Align layer."""
    feature_align: bool = True
    """Off only to measure what the layer is worth."""
    mosaic: CfaFamily = CfaFamily.BAYER
    """What the planes are packed from."""
    align_places: AlignPlaces = AlignPlaces.DECODER_ENTRY
    align_kernel: int = 3
    """Side of the hidden map's convolution: 1, as published, or 3."""
    align_form: AlignForm = AlignForm.RESIDUAL
    quarter: bool = False
    """Whether planes are folded once more (pixel-unshuffle), so that the finest scale is half theirs, a quarter of the
    mosaic's."""
    block_kernel: int = 3
    """Side of the convolutions of a block: 3 or 5."""
    regulated: bool = False
    """Whether these are trained as parallel ones of every size up to it (`kernel_regulation`)."""
    gates: bool = False
    """Whether channels can be learned to be done without (`channel_gates`)."""

    def __post_init__(self) -> None:
        """Raise ValueError where a value can be none of a network."""
        check_rules(
            ("align_kernel is 1 or 3", self.align_kernel in (1, 3)),
            ("block_kernel is 3 or 5", self.block_kernel in (3, 5)),
            ("align_hidden is at least 1", self.align_hidden > 0),
            ("widths are at least 1, for one scale or more", min(self.widths, default=0) > 0),
            ("encoder_blocks are at least 0, as many as widths", blocks_fit(self.encoder_blocks, self.widths)),
            ("decoder_blocks are at least 0, as many as widths", blocks_fit(self.decoder_blocks, self.widths)),
        )


class Fan(Network):
    """The student; see the module docstring and `FanConfig`."""

    def __init__(self, config: FanConfig) -> None:
        super().__init__()
        self.config = config
        self.mosaic = config.mosaic
        self._fold = 2 if config.quarter else 1
        widths, guides, folded = config.widths, guide_channels(self.mosaic), self._fold**2
        self.head = nn.Conv2d(guides * folded, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in zip(widths, widths[1:], strict=False)
        )
        self.ups = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in zip(widths, widths[1:], strict=False))
        self.encoders = nn.ModuleList(map(self._blocks, widths, config.encoder_blocks))
        self.decoders = nn.ModuleList(map(self._blocks, widths, config.decoder_blocks))
        places, aligned = config.align_places, config.feature_align
        at_entry = aligned and places is AlignPlaces.DECODER_ENTRY
        in_encoder = aligned and places is AlignPlaces.EVERY_BLOCK
        in_decoder = aligned and places is not AlignPlaces.DECODER_ENTRY
        self.aligns = nn.ModuleList(self._align(width, aligned=at_entry) for width in widths)
        self.encoder_aligns = self._block_aligns(config.encoder_blocks, aligned=in_encoder)
        self.decoder_aligns = self._block_aligns(config.decoder_blocks, aligned=in_decoder)
        self.gates = nn.ModuleList(ChannelGates(width) for width in widths if config.gates)
        self.tail = nn.Conv2d(widths[0], self.mosaic.planes * folded, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def multiple_of(self) -> int:
        """Height and width of the planes must be a multiple of this."""
        return int(2 ** (self.scales - 1))

    @property
    def paths(self) -> list[Path]:
        block = 2 * (self.config.block_kernel // 2)
        encoder = [block * blocks for blocks in self.config.encoder_blocks]
        decoder = [block * blocks for blocks in self.config.decoder_blocks]
        at_entry = self.config.align_places is AlignPlaces.DECODER_ENTRY
        align = self.config.align_kernel // 2 if at_entry and self.config.feature_align else 0
        # a layer behind a block looks no farther than the block does
        through_guide = unet_path([0] * (len(encoder) - 1) + [align], decoder)
        through_head = unet_path([1 + encoder[0], *encoder[1:]], decoder)
        fold: list[Step] = [Resampling.HALVE] if self.config.quarter else []
        unfold: list[Step] = [Resampling.DOUBLE] if self.config.quarter else []
        return [[*fold, *through_guide, 1, *unfold], [LOCAL_MEAN // 2, *fold, *through_head, 1, *unfold]]

    @property
    def scales(self) -> int:
        return len(self.config.widths) + (self._fold - 1)

    def stages(self, guides: list[Tensor], onward: Onward = latest) -> list[list[Tensor]]:
        gates = [gate() for gate in self.gates.children()] or [None] * len(self.config.widths)
        skips = self._encoded(guides, gates)
        stages: list[list[Tensor]] = []
        for scale in reversed(range(len(skips))):
            features = skips[scale]
            if stages:
                coarse = self.ups[scale](onward(len(stages) - 1, stages[-1]))
                coarse = functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
                features = gated(functional.relu(coarse + features), gates[scale])
            guide = guides[scale - len(skips)]
            features = gated(self.aligns[scale](features, guide), gates[scale])
            blocks = zip(self.decoders[scale].children(), self.decoder_aligns[scale].children(), strict=True)
            stages.append(_outputs(features, blocks, guide, gates[scale]))
        return stages

    def noise_of(self, features: Tensor) -> Tensor:
        noise: Tensor = self.tail(features)
        return functional.pixel_shuffle(noise, self._fold) if self.config.quarter else noise

    def layers(self) -> Iterator[ScaledLayer]:
        """All convolutions whose channels can be gated."""
        yield ScaledLayer(self.head, 0, None, 0)
        yield ScaledLayer(self.tail, 0, 0, None)
        for fine, (down, up) in enumerate(zip(self.downs, self.ups, strict=True)):
            yield ScaledLayer(_conv(down), fine + 1, fine, fine + 1)
            yield ScaledLayer(_conv(up), fine + 1, fine + 1, fine)
        for scale, blocks in (*enumerate(self.encoders), *enumerate(self.decoders)):
            for block in blocks.children():
                yield ScaledLayer(_conv(block.first), scale, scale, scale)
                yield ScaledLayer(_conv(block.second), scale, scale, scale)
        for scale, aligns in enumerate(zip(self.aligns, self.encoder_aligns, self.decoder_aligns, strict=True)):
            for align in (each for part in aligns for each in part.modules() if isinstance(each, FeatureAlign)):
                yield ScaledLayer(align.scale, scale, None, scale)
                yield ScaledLayer(align.shift, scale, None, scale)

    def published(self) -> "Fan":
        """The plain network of the same function: parallel kernels fused, the channels of closed gates cut off."""
        if not (self.config.regulated or self.config.gates):
            return self
        plain = copy.deepcopy(self)
        for block in plain.modules():
            if isinstance(block, ResidualBlock):
                block.fuse()
        widths = self.config.widths
        if self.config.gates:
            kept = [gate.kept() for gate in plain.gates if isinstance(gate, ChannelGates)]
            for layer in list(plain.layers()):
                layer.prune(kept)
            widths = tuple(map(len, kept))
        result = Fan(replace(self.config, widths=widths, regulated=False, gates=False))
        wanted = result.state_dict()
        result.load_state_dict({name: value for name, value in plain.state_dict().items() if name in wanted})
        return result

    def _encoded(self, guides: list[Tensor], gates: Sequence[Tensor | None]) -> list[Tensor]:
        """What every scale of the encoder hands to the decoder, finest first."""
        finest = functional.pixel_unshuffle(guides[0], self._fold) if self.config.quarter else guides[0]
        features = functional.relu(self.head(finest))
        skips: list[Tensor] = []
        for scale, gate in enumerate(gates):
            if skips:
                features = functional.relu(self.downs[scale - 1](skips[-1]))
            blocks = zip(self.encoders[scale].children(), self.encoder_aligns[scale].children(), strict=True)
            guide = guides[scale - len(gates)]
            skips.append(_outputs(gated(features, gate), blocks, guide, gate)[-1])
        return skips

    def _blocks(self, channels: int, count: int) -> nn.Sequential:
        return residual_blocks(channels, count, self.config.block_kernel, regulated=self.config.regulated)

    def _block_aligns(self, counts: Sequence[int], *, aligned: bool) -> nn.ModuleList:
        return nn.ModuleList(
            nn.ModuleList(self._align(width, aligned=aligned) for _ in range(count))
            for width, count in zip(self.config.widths, counts, strict=True)
        )

    def _align(self, channels: int, *, aligned: bool) -> nn.Module:
        config = self.config
        if not aligned:
            return Unaligned()
        guides = guide_channels(self.mosaic)
        return FeatureAlign(
            channels, guides, hidden=config.align_hidden, kernel=config.align_kernel, form=config.align_form
        )


def _outputs(
    features: Tensor, blocks: Iterable[tuple[nn.Module, nn.Module]], guide: Tensor, gate: Tensor | None
) -> list[Tensor]:
    """What comes in, and what each block and its Feature-Align layer make of it."""
    outputs = [features]
    for block, align in blocks:
        outputs.append(gated(align(block(outputs[-1], gate), guide), gate))
    return outputs


def _conv(layer: object) -> nn.Conv2d:
    """The convolution; of parallel ones the largest, which costs what they do once they are fused."""
    if isinstance(layer, RegulatedConv):
        layer = layer.kernels[0]
    assert isinstance(layer, nn.Conv2d)
    return layer

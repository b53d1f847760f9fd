"""How far a U-Net's output looks, followed exactly from scale to scale."""

from collections.abc import Sequence


def unet_reach(decoder: Sequence[int], encoder: Sequence[int]) -> int:
    """Farthest input sample of any output sample of a U-Net with 2x2 strided and nearest resampling.

    `decoder` and `encoder` are the samples that the convolutions of each scale reach to a side, finest scale first.
    The worst of all positions relative to the grid of the coarsest scale counts.
    """
    return max(_reach(start, decoder, encoder) for start in range(2 ** (len(decoder) - 1)))


def _reach(start: int, decoder: Sequence[int], encoder: Sequence[int]) -> int:
    """Follow the output at `start` down the decoder and up the encoder."""
    low, high = start - decoder[0], start + decoder[0]
    for reach in decoder[1:]:
        low, high = low // 2 - reach, high // 2 + reach
    low, high = low - encoder[-1], high + encoder[-1]
    for reach in reversed(encoder[:-1]):
        low, high = 2 * low - reach, 2 * high + 1 + reach
    return max(start - low, high - start)

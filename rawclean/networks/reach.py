"""How far a U-Net's output looks, followed exactly from scale to scale.

`decoder` and `encoder` are the samples that the convolutions of each scale reach to a side, finest scale first;
resampling is 2x2 strided down and nearest up.
"""

from collections.abc import Sequence


def unet_reach(decoder: Sequence[int], encoder: Sequence[int]) -> int:
    """Farthest input sample of any output sample, wherever that lies relative to the grid of the coarsest scale."""
    seen = [(start, *_seen(start, decoder, encoder)) for start in range(_period(decoder))]
    return max(max(start - low, high - start) for start, low, high in seen)


def unet_halo(decoder: Sequence[int], encoder: Sequence[int]) -> int:
    """Farthest input sample beyond a tile, whose sides lie on the grid of the coarsest scale, that it depends on.

    Less than the reach: where the output looks farthest to one side, it lies that far inside the tile.
    """
    period = _period(decoder)
    seen = [_seen(start, decoder, encoder) for start in range(period)]
    return max(max(-low, high - (period - 1)) for low, high in seen)


def _period(decoder: Sequence[int]) -> int:
    return int(2 ** (len(decoder) - 1))


def _seen(start: int, decoder: Sequence[int], encoder: Sequence[int]) -> tuple[int, int]:
    """The first and the last input sample of the output at `start`, followed down the decoder and up the encoder."""
    low, high = start - decoder[0], start + decoder[0]
    for reach in decoder[1:]:
        low, high = low // 2 - reach, high // 2 + reach
    low, high = low - encoder[-1], high + encoder[-1]
    for reach in reversed(encoder[:-1]):
        low, high = 2 * low - reach, 2 * high + 1 + reach
    return low, high

"""Lossless JPEG as DNG wants it, with predictor 1 (ITU-T T.81 annex H, DNG specification 1.7.1).

Each sample is predicted by its left neighbour of the same component: even and odd columns of a mosaic, or the colours.
imagecodecs' encoder was weighed: larger files, and darktable rejects its predictor. Every step works on whole arrays.
"""

import heapq
import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

PRECISION = 16
PREDICTOR = 1
"""The left neighbour."""
MOST_CODE_BITS = 16
_HALF = 1 << (PRECISION - 1)
_WORD_BITS = 6
_WORD = 1 << _WORD_BITS

_DIFFERENCE = _HALF - 1 - (_HALF - 1 - np.arange(2 * _HALF, dtype=np.int32)) % (2 * _HALF)
"""Of each value modulo 2^16, in (-2^15, 2^15]."""
_DIFFERENCE[_HALF] = _HALF
CATEGORY = np.frexp(np.abs(_DIFFERENCE).astype(np.float32))[1].astype(np.uint8)
"""Bits that the magnitude of each difference modulo 2^16 needs, 0 to 16."""
_EXTRA = np.array([*range(PRECISION), 0])
"""Bits that follow the code of each category; the one value of the last needs none."""
_LOW_BITS = ((_DIFFERENCE - (_DIFFERENCE < 0)) & ((1 << _EXTRA) - 1)[CATEGORY]).astype(np.uint32)


def encode_tile(samples: NDArray[np.uint16]) -> bytes:
    """Encode samples (H, W, components) as one JPEG with its own Huffman table."""
    height, width, components = samples.shape
    each = range(components)
    differences = _differences(samples)
    counts = np.bincount(CATEGORY, np.bincount(differences, minlength=2 * _HALF), minlength=PRECISION + 1)
    lengths = _code_lengths(counts.astype(int).tolist())
    symbols = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
    codes = _canonical_codes(symbols)
    bits = _pack_bits(*_coded(differences, lengths, codes))
    return b"".join(
        [
            b"\xff\xd8",
            _segment(
                0xC3, struct.pack(">BHHB", PRECISION, height, width, components) + _flat((i, 0x11, 0) for i in each)
            ),
            _segment(0xC4, _table(symbols)),
            _segment(0xDA, bytes([components]) + _flat((i, 0) for i in each) + bytes([PREDICTOR, 0, 0])),
            _stuffed(bits),
            b"\xff\xd9",
        ]
    )


def _differences(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Sample less prediction modulo 2^16, in coding order (N,)."""
    differences = np.empty_like(samples)
    np.subtract(samples[:, 1:], samples[:, :-1], out=differences[:, 1:])
    np.subtract(samples[1:, 0], samples[:-1, 0], out=differences[1:, 0])
    np.subtract(samples[0, 0], np.uint16(_HALF), out=differences[0, 0])
    return differences.ravel()


def _coded(
    differences: NDArray[np.uint16], lengths: list[int], codes: list[int]
) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Huffman code and extra bits of each difference: values of at most 32 bits, and how many bits."""
    heads = (np.array(codes) << _EXTRA).astype(np.uint32)
    bits = (np.array(lengths) + _EXTRA).astype(np.uint8)
    return (heads[CATEGORY] | _LOW_BITS).take(differences), bits[CATEGORY].take(differences)


def _code_lengths(weights: list[int]) -> list[int]:
    """Huffman code length of each symbol by its count, at most 16; zero for those that do not occur.

    One more symbol of weight zero takes the code of all ones, which JPEG forbids.
    """
    while True:
        depths = _depths(weights)
        if max(depths) <= MOST_CODE_BITS:
            return depths
        weights = [(weight + 1) // 2 for weight in weights]


def _depths(weights: list[int]) -> list[int]:
    """Depths in a Huffman tree of the symbols with weight, beside one reserved leaf."""
    heap = [(weight, index, [index]) for index, weight in enumerate(weights) if weight]
    heap.append((0, len(weights), []))
    heapq.heapify(heap)
    depths = [0] * len(weights)
    while len(heap) > 1:
        (first_weight, _, first), (second_weight, order, second) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in first + second:
            depths[symbol] += 1
        heapq.heappush(heap, (first_weight + second_weight, order, first + second))
    return depths


def _canonical_codes(symbols: list[tuple[int, int]]) -> list[int]:
    """The codes that a decoder derives from the lengths (T.81 annex C)."""
    codes = [0] * (PRECISION + 1)
    code, previous = 0, symbols[0][0]
    for length, symbol in symbols:
        code <<= length - previous
        codes[symbol] = code
        code, previous = code + 1, length
    return codes


def _table(symbols: list[tuple[int, int]]) -> bytes:
    """A DHT segment: table 0, how many codes of each length, their symbols."""
    lengths = [length for length, _ in symbols]
    return bytes([0, *(lengths.count(bits) for bits in range(1, 17)), *(symbol for _, symbol in symbols)])


def _pack_bits(values: NDArray[np.uint32], bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Concatenate values of at most 32 bits, most significant bit first, padded with ones to a byte."""
    joined, lengths = _in_pairs(values, bits)
    ends = np.cumsum(lengths, dtype=np.int32)  # of a tile, which has far fewer than 2^31 bits
    starts = ends - lengths
    word = starts >> _WORD_BITS
    room = _WORD - lengths.astype(np.int8) - (starts & (_WORD - 1)).astype(np.int8)
    here = joined << room.clip(min=0).astype(np.uint8)
    over = np.flatnonzero(room < 0)  # no bits are left in the word, and the value spills over
    spill = (-room[over]).astype(np.uint8)
    here[over] >>= spill
    first_of_word = np.flatnonzero(np.diff(word, prepend=np.int32(-1)))
    words = np.zeros(int(ends[-1]) // _WORD + 2, dtype=np.uint64)
    words[word[first_of_word]] = np.bitwise_or.reduceat(here, first_of_word)
    words[word[over] + 1] |= joined[over] << (np.uint8(_WORD) - spill)
    packed = words.astype(">u8").view(np.uint8)[: -(-int(ends[-1]) // 8)].copy()
    if ends[-1] % 8:
        packed[-1] |= 0xFF >> int(ends[-1] % 8)
    return packed


def _in_pairs(values: NDArray[np.uint32], bits: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Each value joined with the next, for half as much to do later."""
    if len(values) % 2:
        values, bits = np.append(values, np.uint32(0)), np.append(bits, np.uint8(0))
    joined = values[::2].astype(np.uint64) << bits[1::2]
    joined |= values[1::2]
    return joined, bits[::2] + bits[1::2]


def _stuffed(data: NDArray[np.uint8]) -> bytes:
    """Follow every FF by a zero, so that it is no marker."""
    return np.insert(data, np.flatnonzero(data == 0xFF) + 1, 0).tobytes()


def _flat(parts: Iterable[tuple[int, ...]]) -> bytes:
    return bytes(value for part in parts for value in part)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content

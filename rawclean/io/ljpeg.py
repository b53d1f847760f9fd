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
_WORD = 64


def encode_tile(samples: NDArray[np.uint16]) -> bytes:
    """Encode samples (H, W, components) as one JPEG with its own Huffman table."""
    height, width, components = samples.shape
    each = range(components)
    differences = _differences(samples)
    categories = _categories(differences)
    lengths = _code_lengths(np.bincount(categories, minlength=PRECISION + 1))
    symbols = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
    codes = _canonical_codes(symbols)
    bits = _pack_bits(*_coded(differences, categories, lengths, codes))
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


def _differences(samples: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Sample less prediction, modulo 2^16 in (-2^15, 2^15], in coding order (N,)."""
    values = samples.astype(np.int32)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (PRECISION - 1)
    half = 1 << (PRECISION - 1)
    wrapped: NDArray[np.int32] = (half - 1) - ((half - 1) - (values - predicted).ravel()) % (2 * half)
    wrapped[wrapped == -half] = half
    return wrapped


def _categories(differences: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Bits that the magnitude of each difference needs, 0 to 16."""
    return np.frexp(np.abs(differences).astype(np.float32))[1].astype(np.uint8)


def _coded(
    differences: NDArray[np.int32], categories: NDArray[np.uint8], lengths: list[int], codes: list[int]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Huffman code and extra bits of each difference: values and their numbers of bits."""
    extra = np.arange(PRECISION + 1)
    extra[PRECISION] = 0  # the one value of the last category needs none
    masks = ((1 << extra) - 1).astype(np.int32)
    heads = (np.array(codes) << extra).astype(np.uint64)
    low_bits = (differences - (differences < 0)) & masks[categories]
    return heads[categories] | low_bits.astype(np.uint64), (np.array(lengths) + extra)[categories]


def _code_lengths(counts: NDArray[np.int64]) -> list[int]:
    """Huffman code length of each symbol, at most 16; zero for those that do not occur.

    One more symbol of weight zero takes the code of all ones, which JPEG forbids.
    """
    weights = counts.tolist()
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


def _pack_bits(values: NDArray[np.uint64], bits: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Concatenate values of at most 32 bits, most significant bit first, padded with ones to a byte."""
    ends = np.cumsum(bits)
    starts = ends - bits
    word = starts // _WORD
    room = _WORD - (starts - word * _WORD) - bits  # bits left in the word; negative where the value spills over
    spill = np.maximum(-room, 0).astype(np.uint64)
    here = np.where(room >= 0, values << np.maximum(room, 0).astype(np.uint64), values >> spill)
    words = np.zeros(int(ends[-1]) // _WORD + 2, dtype=np.uint64)
    first_of_word = np.flatnonzero(np.diff(word, prepend=-1))
    words[word[first_of_word]] = np.bitwise_or.reduceat(here, first_of_word)
    over = np.flatnonzero(room < 0)
    words[word[over] + 1] |= values[over] << (np.uint64(_WORD) - spill[over])
    packed = words.astype(">u8").view(np.uint8)[: -(-int(ends[-1]) // 8)].copy()
    if ends[-1] % 8:
        packed[-1] |= 0xFF >> int(ends[-1] % 8)
    return packed


def _stuffed(data: NDArray[np.uint8]) -> bytes:
    """Follow every FF by a zero, so that it is no marker."""
    return np.insert(data, np.flatnonzero(data == 0xFF) + 1, 0).tobytes()


def _flat(parts: Iterable[tuple[int, ...]]) -> bytes:
    return bytes(value for part in parts for value in part)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content

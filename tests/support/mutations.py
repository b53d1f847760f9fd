"""Damaged copies of RAW files: what cards, cables and hostile senders do to them; all by a seed."""

import random
import struct
from collections.abc import Callable

HEAD = 4096
"""Bytes in which most structure lies."""


def flip_bits(data: bytearray, rng: random.Random) -> bytearray:
    """A few bits, mostly in the structure."""
    for _ in range(rng.choice((1, 3, 10, 40))):
        place = rng.randrange(min(HEAD, len(data)) if rng.random() < 0.8 else len(data))
        data[place] ^= 1 << rng.randrange(8)
    return data


def truncate(data: bytearray, rng: random.Random) -> bytearray:
    """The rest is missing."""
    return data[: rng.randrange(len(data))]


def swap_words(data: bytearray, rng: random.Random) -> bytearray:
    """Offsets, or other words, change places."""
    for _ in range(rng.choice((1, 2, 5))):
        first, second = (4 * rng.randrange(min(HEAD, len(data) - 8) // 4) + 2 for _ in range(2))
        data[first : first + 4], data[second : second + 4] = data[second : second + 4], data[first : first + 4]
    return data


def huge_words(data: bytearray, rng: random.Random) -> bytearray:
    """Counts, sizes and offsets far beyond the file, or zero."""
    for _ in range(rng.choice((1, 2, 4))):
        place = 2 * rng.randrange((min(HEAD, len(data)) - 4) // 2)
        value = rng.choice((0xFFFFFFFF, 0x7FFFFFFF, 0x10000000, 0xFFFF, 0, len(data), 3))
        data[place : place + 4] = struct.pack(rng.choice("<>") + "I", value)
    return data


KINDS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (flip_bits, truncate, swap_words, huge_words)


def mutate(data: bytes, seed: int) -> bytes:
    """A damaged copy."""
    rng = random.Random(seed)
    return bytes(rng.choice(KINDS)(bytearray(data), rng))

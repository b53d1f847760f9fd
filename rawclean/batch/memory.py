"""How many photos fit in memory at once.

Measured with photos of 24 megapixels (peak of the process, Linux, bfloat16 and float32): 0.35 GiB for Python and torch,
20 to 32 bytes per sample of each photo at work, and 0.8 to 1.1 KiB per 2x2 cell that the network sees of a tile.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import psutil

from rawclean.engines.choices import TILE
from rawclean.errors import MemoryLimitError
from rawclean.settings import DenoiseSettings

PROGRAM = 512 << 20
BYTES_PER_SAMPLE = 32
BYTES_PER_CELL = 1100
_HALO, _WIDEST_HALO = 224, 512
"""Cells that a tile is widened by, for the students and for any model."""
_TILES = (TILE, 512, 384, 256, 128, 64)


class MemoryBudget:
    """Lets photos begin while they fit; one that does not waits for others to end."""

    def __init__(self, limit: int | None, network: int) -> None:
        """`limit` in bytes is for the whole process; None is half of the machine's memory, which one photo may exceed.

        `network` is what the network needs, in bytes.
        """
        self._strict = limit is not None
        self._limit = limit if limit is not None else _half_of_the_machine()
        self._capacity = self._limit - PROGRAM - network
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, photo: str, samples: int) -> Iterator[None]:
        """Wait until a photo of so many samples fits, and count it as there while the block runs.

        Raises MemoryLimitError where it never will.
        """
        need = samples * BYTES_PER_SAMPLE
        if need > self._capacity and self._strict:
            short = need - self._capacity
            raise MemoryLimitError(
                f"{photo}: needs about {_mib(self._limit + short)}, more than --max-memory {_mib(self._limit)}"
            )
        with self._changed:
            self._changed.wait_for(lambda: self._held == 0 or self._held + need <= self._capacity)
            self._held += need
        try:
            yield
        finally:
            with self._changed:
                self._held -= need
                self._changed.notify_all()


@lru_cache
def memory_budget(limit: int | None, settings: DenoiseSettings) -> MemoryBudget:
    """The budget that all photos of this process share."""
    return MemoryBudget(limit, _network_bytes(settings.tile, settings))


def with_fitting_tile(settings: DenoiseSettings, limit: int | None) -> DenoiseSettings:
    """The settings, with a smaller tile where the network would need more than a fifth of the limit."""
    if limit is None:
        return settings
    fits = (side for side in _TILES if side <= settings.tile and _network_bytes(side, settings) <= limit // 5)
    return replace(settings, tile=next(fits, min(settings.tile, _TILES[-1])))


def _network_bytes(tile: int, settings: DenoiseSettings) -> int:
    halo = _HALO if settings.model is None else _WIDEST_HALO
    return (tile + halo) ** 2 * BYTES_PER_CELL


def _half_of_the_machine() -> int:
    return int(psutil.virtual_memory().total) // 2


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f}M"

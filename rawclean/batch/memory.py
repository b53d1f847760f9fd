"""How many photos fit in memory at once.

Measured with photos of 6 and 24 megapixels (peak of the process, Linux, OpenVINO and torch, bfloat16 and float32): 0.1
to 0.35 GiB for Python and what computes, 20 to 32 bytes per sample of each photo at work, and for each 2x2 cell that a
network sees of a tile 0.4 KiB (student) to 1.1 KiB (teacher), as many times as tiles are under way at once.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import psutil

from rawclean.core.choices import Quality
from rawclean.engines.choices import TILE, tiles_at_once
from rawclean.errors import MemoryLimitError
from rawclean.models.manifest import find_model
from rawclean.settings import DenoiseSettings

PROGRAM = 512 << 20
BYTES_PER_SAMPLE = 32
BYTES_PER_CELL = {Quality.FAST: 512, Quality.STANDARD: 768, Quality.BEST: 1152}
"""Of each tile that is under way."""
_HALO, _WIDEST_HALO = 224, 512
"""Cells that a tile is widened by, for the models that are chosen and for any."""
_TILES = (TILE, 640, 512, 384, 256, 128, 64)


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
    if settings.model is None:
        halo, quality = _HALO, settings.quality or Quality.STANDARD
    else:
        halo, quality = _WIDEST_HALO, find_model(settings.model).quality
    return tiles_at_once() * (tile + halo) ** 2 * BYTES_PER_CELL[quality]


def _half_of_the_machine() -> int:
    return int(psutil.virtual_memory().total) // 2


def _mib(size: int) -> str:
    return f"{max(size / 2**20, 1):.0f}M"

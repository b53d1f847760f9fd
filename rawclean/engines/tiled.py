"""Denoise the mosaic of a photo tile by tile; memory beyond the photo itself is bounded by the tile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from rawclean.core.frame import RawFrame
from rawclean.core.layout import PlainLayout, plane_noise, saturated_sites
from rawclean.core.levels import Levels
from rawclean.core.line_offsets import LineOffsets, find_line_offsets, without_line_offsets
from rawclean.core.noise import NoiseModel
from rawclean.core.removal import WHOLE, Removal
from rawclean.core.tiling import Tile, Tiling
from rawclean.engines.choices import TILE
from rawclean.engines.contract import Engine

Progress = Callable[[int, int], None]
"""Called with the tiles done and their number."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What is known of the samples of a photo."""

    noise: NoiseModel
    """Fields (4,)."""
    clip: np.ndarray
    """(4,) linear signal, by the file's own levels, from which on R, Gr, Gb and B are saturated."""
    levels: Levels
    """To compute with."""
    lines: LineOffsets | None = None
    """What whole rows and columns are too high; None lets the samples show it."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How a photo is denoised, beside the engine."""

    removal: Removal = WHOLE
    """What is taken away of the noise that is found."""
    tile: int = TILE
    """Largest side of a tile's core, in samples of a plane."""
    progress: Progress | None = None


def denoise(frame: RawFrame, signal: Signal, engine: Engine, effort: Effort) -> RawFrame:
    """Return `frame` with its visible samples denoised.

    Saturated samples keep their value: they hold no signal that could be averaged, and a clipped site below white gets
    a colour cast in the developer.
    """
    samples, layout, levels = frame.samples, frame.layout, signal.levels
    noise = plane_noise(layout, signal.noise)
    planes = layout.pack(levels.to_linear(samples))
    kept = _saturated(frame, signal, planes)
    if not isinstance(layout, PlainLayout):
        lines = find_line_offsets(planes, noise) if signal.lines is None else signal.lines
        planes = without_line_offsets(planes, lines.times(effort.removal.lines))
    denoise_planes(planes, noise, engine, effort, out=planes)
    denoised = levels.to_adu(layout.unpack(planes, kept.shape[-2:]))
    np.copyto(denoised, samples, where=kept)
    return frame.with_samples(denoised)


def _saturated(frame: RawFrame, signal: Signal, planes: np.ndarray) -> np.ndarray:
    """Which visible samples, `planes` by the levels to compute with, are at white or where their colour saturates."""
    samples, layout = frame.samples, frame.layout
    seen = planes if signal.levels is frame.levels else layout.pack(frame.levels.to_linear(samples))
    size = (samples.shape[-2], samples.shape[-1])
    return saturated_sites(layout, seen, signal.clip, size) | (samples >= signal.levels.white)


def denoise_planes(
    planes: np.ndarray, noise: NoiseModel, engine: Engine, effort: Effort, out: np.ndarray | None = None
) -> np.ndarray:
    """Denoise linear `planes` (P, H, W) with `noise` (P,); the tile size does not matter (within 1e-5).

    `out` takes the result, and may be `planes`.
    """
    tiling = Tiling.of((planes.shape[1], planes.shape[2]), effort.tile, engine.multiple_of, engine.halo)
    tiles, surrounded = list(tiling.tiles()), tiling.surrounded(planes)
    clean = np.empty_like(planes) if out is None else out

    def denoise_tile(tile: Tile) -> None:
        removed = engine.predict_noise(tiling.window(surrounded, tile), noise)[:, : tile.height, : tile.width]
        rows, columns = slice(tile.top, tile.top + tile.height), slice(tile.left, tile.left + tile.width)
        np.subtract(planes[:, rows, columns], effort.removal.of(removed), out=clean[:, rows, columns])

    with ThreadPoolExecutor(engine.workers) as pool:
        for done, future in enumerate(as_completed([pool.submit(denoise_tile, tile) for tile in tiles]), start=1):
            future.result()
            if effort.progress:
                effort.progress(done, len(tiles))
    return clean

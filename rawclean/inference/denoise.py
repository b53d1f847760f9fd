"""Denoise the mosaic of a photo tile by tile; memory beyond the photo itself is bounded by the tile."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.frame import RawFrame
from rawclean.core.layout import PlainLayout, plane_noise, saturated_sites
from rawclean.core.levels import Levels
from rawclean.core.line_offsets import LineOffsets, find_line_offsets, without_line_offsets
from rawclean.core.noise import SIGMA_WINDOW, NoiseModel
from rawclean.core.tiling import core_of, cut, gather
from rawclean.inference.choices import TILE
from rawclean.networks import Network
from rawclean.networks.contract import predict_noise

LARGEST_NOISE = 4.0
"""Sigmas beyond which a deviation is structure: bounds the harm where a photo has less noise than any trained on."""

Progress = Callable[[int, int], None]
"""Called with the tiles done and their number."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A network, where it runs, and how."""

    network: Network
    device: torch.device
    dtype: torch.dtype
    """Format of the activations."""
    tile: int = TILE

    def __post_init__(self) -> None:
        self.network.to(self.device)


@dataclass(frozen=True, slots=True)
class Signal:
    """What is known of the samples of a photo."""

    noise: NoiseModel
    """Fields (4,)."""
    clip: Tensor
    """(4,) linear signal, by the file's own levels, from which on R, Gr, Gb and B are saturated."""
    levels: Levels
    """To compute with."""


def denoise(
    frame: RawFrame, signal: Signal, engine: Engine, *, strength: float = 1.0, progress: Progress | None = None
) -> RawFrame:
    """Return `frame` with its visible samples denoised; `strength` is the share of the noise that is taken away.

    Saturated samples keep their value: they hold no signal that could be averaged, and a clipped site below white gets
    a colour cast in the developer.
    """
    samples, layout, levels = frame.samples, frame.layout, signal.levels
    planes = layout.pack(levels.to_linear(samples))
    noise = plane_noise(layout, signal.noise)
    level = planes if isinstance(layout, PlainLayout) else without_lines(planes, noise, strength)
    clean = denoise_planes_tiled(level, noise, engine, strength=strength, progress=progress)
    size = (samples.shape[-2], samples.shape[-1])
    denoised = levels.to_adu(layout.unpack(clean, size))
    seen = planes if levels is frame.levels else layout.pack(frame.levels.to_linear(samples))
    saturated = saturated_sites(layout, seen, signal.clip, size)
    return frame.with_samples(torch.where(saturated | (samples >= levels.white), samples, denoised))


def without_lines(planes: Tensor, noise: NoiseModel, strength: float = 1.0) -> Tensor:
    """Linear `planes` (P, H, W) of a mosaic less that share of what whole rows and columns are too high."""
    offsets = find_line_offsets(planes, noise)
    return without_line_offsets(planes, LineOffsets(strength * offsets.rows, strength * offsets.columns))


def denoise_planes_tiled(
    planes: Tensor, noise: NoiseModel, engine: Engine, *, strength: float = 1.0, progress: Progress | None = None
) -> Tensor:
    """Denoise linear `planes` (4, H, W) on the CPU; the result does not depend on the tile size (within 1e-5)."""
    step = engine.network.multiple_of
    halo = -(-(engine.network.receptive_field + SIGMA_WINDOW // 2) // step) * step
    tiles = list(cut(planes.shape[1], planes.shape[2], max(step, engine.tile // step * step)))
    noise = noise.to(engine.device)
    clean = torch.empty_like(planes)
    for done, tile in enumerate(tiles, start=1):
        window = gather(planes, tile, halo, step).to(engine.device)
        removed = core_of(_predict_noise(window[None], noise, engine)[0], tile, halo).cpu()
        rows, columns = slice(tile.top, tile.top + tile.height), slice(tile.left, tile.left + tile.width)
        torch.sub(planes[:, rows, columns], removed, alpha=strength, out=clean[:, rows, columns])
        if progress:
            progress(done, len(tiles))
    return clean


@torch.inference_mode()
def _predict_noise(window: Tensor, noise: NoiseModel, engine: Engine) -> Tensor:
    """Noise (1, 4, H, W) of a window in linear units, float32."""
    sigma_map = noise.sigma_map(window)
    with torch.autocast(engine.device.type, engine.dtype, enabled=engine.dtype != torch.float32):
        noise_map = predict_noise(engine.network, window, sigma_map)
    limit = LARGEST_NOISE * sigma_map
    return noise_map.clamp(-limit, limit)

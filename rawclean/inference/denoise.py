"""Denoise the mosaic of a photo tile by tile; memory beyond the photo itself is bounded by the tile."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rawclean.core.frame import RawFrame
from rawclean.core.layout import plane_noise
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


def denoise(
    frame: RawFrame, noise: NoiseModel, engine: Engine, *, strength: float = 1.0, progress: Progress | None = None
) -> RawFrame:
    """Return `frame` with its visible samples denoised; `strength` is the share of the noise that is taken away.

    Samples at or above the white level keep their value: they hold no signal that could be averaged, and a clipped
    site below white gets a colour cast in the developer.
    """
    samples = frame.samples
    planes = frame.layout.pack(frame.levels.to_linear(samples))
    noise = plane_noise(frame.layout, noise)
    clean = denoise_planes_tiled(planes, noise, engine, strength=strength, progress=progress)
    denoised = frame.levels.to_adu(frame.layout.unpack(clean, (samples.shape[-2], samples.shape[-1])))
    return frame.with_samples(torch.where(samples >= frame.levels.white, samples, denoised))


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

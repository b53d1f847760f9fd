"""Models on torch: GPUs, and the reference for all other engines."""

import numpy as np
import torch

from rawclean.core.glibc import keep_freed_memory
from rawclean.core.noise import SIGMA_WINDOW, NoiseModel
from rawclean.core.tiling import core_of, whole_steps
from rawclean.networks import Network
from rawclean.networks.predictor import NoisePredictor


class TorchEngine:
    """A network on a device; see `engines.contract.Engine`."""

    workers = 1

    def __init__(self, network: Network, device: torch.device, dtype: torch.dtype) -> None:
        keep_freed_memory()
        self._predictor = NoisePredictor(network.to(device))
        self._device, self._dtype = device, dtype
        self.multiple_of = network.multiple_of
        self.halo = whole_steps(network.halo + SIGMA_WINDOW // 2, network.multiple_of)

    @property
    def name(self) -> str:
        """Program, device and number format, for people."""
        return f"torch {self._device.type} {str(self._dtype).removeprefix('torch.')}"

    @torch.inference_mode()
    def predict_noise(self, window: np.ndarray, noise: NoiseModel) -> np.ndarray:
        """As `Engine.predict_noise`."""
        planes, shot, read = (torch.from_numpy(each).to(self._device) for each in (window, noise.shot, noise.read))
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            predicted = self._predictor(planes[None], shot, read)[0][0]
        return core_of(predicted, self.halo).cpu().numpy()

"""What a network makes of noisy planes: student and teacher alike."""

from dataclasses import dataclass

from torch import Tensor

from rawclean.networks import Network
from rawclean.networks.guides import noise_guides


@dataclass(frozen=True, slots=True)
class Prediction:
    """The result, and what was found out on the way to it."""

    denoised: Tensor
    """(B, planes, H, W), linear, float32."""
    stages: list[list[Tensor]]
    """Features (B, C, H / 2^s, W / 2^s) after each block of every scale, coarsest scale first (`Network.stages`)."""

    @property
    def features(self) -> list[Tensor]:
        """The last of every scale, coarsest first."""
        return [stage[-1] for stage in self.stages]


def predict(network: Network, noisy: Tensor, sigma_map: Tensor) -> Prediction:
    """Denoise `noisy` (B, planes, H, W) by its `sigma_map`; the subtraction is float32 always."""
    stages = network.stages(noise_guides(noisy, sigma_map, network.scales, network.mosaic))
    return Prediction(noisy - sigma_map * network.noise_of(stages[-1][-1]).float(), stages)

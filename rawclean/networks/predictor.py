"""A network and what surrounds it: planes and their noise to what is to be taken away."""

from torch import Tensor, nn

from rawclean.core.noise import LARGEST_NOISE, NoiseModel
from rawclean.networks.contract import Network
from rawclean.networks.guides import noise_guides
from rawclean.networks.sigma_map import sigma_around


class NoisePredictor(nn.Module):
    """What an engine runs on a tile."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: Tensor, shot: Tensor, read: Tensor) -> tuple[Tensor, ...]:
        """The noise of linear `planes` (B, P, H, W) with noise `shot` and `read` (P,), and the steps on the way to it.

        Noise in linear units; noise in units of sigma, unbounded; sigma; the network's guides, finest first. Guides and
        sigma need float32, the network between them does not: 14-bit neighbours merge in bfloat16.
        """
        sigma = sigma_around(planes, NoiseModel(shot, read))
        guides = noise_guides(planes, sigma, self.network.scales, self.network.mosaic)
        in_sigmas = self.network.from_guides(guides).float()
        return in_sigmas.clamp(-LARGEST_NOISE, LARGEST_NOISE) * sigma, in_sigmas, sigma, *guides

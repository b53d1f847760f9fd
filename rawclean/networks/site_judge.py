"""A small network that tells bad pixels from details of the scene, by what is seen of suspects."""

import torch
from torch import Tensor, nn

from rawclean.core.suspect_sites import FEATURES


class SiteJudge(nn.Module):
    """Two hidden layers; an answer above zero is a bad pixel."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("deviation", torch.ones(FEATURES))
        self.layers = nn.Sequential(
            *(nn.Linear(FEATURES, 48), nn.ReLU()),
            *(nn.Linear(48, 24), nn.ReLU()),
            nn.Linear(24, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, FEATURES) to (N,)."""
        answer: Tensor = self.layers((features - self.mean) / self.deviation)
        return answer[:, 0]

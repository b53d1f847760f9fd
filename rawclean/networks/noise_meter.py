"""A small network that measures the noise of pieces of a photo, tells it from texture, and says how sure it is.

It sees four planes at once: noise is independent from plane to plane and, unless the camera filters, from sample to
sample; texture is neither. Its answer is relative to the rough scale by which its input is divided, so that one network
serves every level of noise.
"""

from torch import Tensor, nn

from rawclean.core.noise_patches import LOG_SD, PLANES


class NoiseMeter(nn.Module):
    """Convolutions, a mean over the piece, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(PLANES, 24, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(24, 24, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(24, 32, 3, padding=1, stride=2), nn.ReLU()),
            *(nn.Conv2d(32, 48, 3, padding=1, stride=2), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            *(nn.Linear(48, 64), nn.ReLU()),
        )
        self.answer = nn.Linear(64, 2 * PLANES + 1)

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log of noise over scale (N, 4), log of its standard deviation (N, 4), correlation (N,) of (N, 4, H, W)."""
        ratio, log_sd, correlation = self.answer(self.features(values)).split([PLANES, PLANES, 1], dim=1)
        return ratio, log_sd.clamp(*LOG_SD), correlation[:, 0]

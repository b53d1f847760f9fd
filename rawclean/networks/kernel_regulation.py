"""A convolution that is trained as several in parallel, and fused to one kernel for inference.

After the kernel-regulation block of KRNET, in its form for phones: kernels of 5x5, 3x3 and 1x1 and the identity see the
same features, and their results are added. All are linear, so that one kernel, the sum of them all, computes the same.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class RegulatedConv(nn.Module):
    """Parallel convolutions of (B, C, H, W) with odd kernels up to `kernel`, and a share of each channel itself."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.kernels = nn.ModuleList(
            nn.Conv2d(channels, channels, side, padding=side // 2, bias=side == kernel) for side in range(kernel, 0, -2)
        )
        self.identity = nn.Parameter(torch.zeros(channels))
        """None at first, so that the features start at the size that they have behind a plain convolution."""

    def forward(self, features: Tensor) -> Tensor:
        result = features * self.identity[:, None, None]
        for convolution in self.kernels:
            result = result + convolution(features)
        return result

    @torch.no_grad()
    def fused(self) -> nn.Conv2d:
        """The plain convolution that computes the same."""
        largest = self.kernels[0]
        assert isinstance(largest, nn.Conv2d)
        assert largest.bias is not None
        side = largest.kernel_size[0]
        fused = nn.Conv2d(largest.in_channels, largest.out_channels, side, padding=side // 2)
        centred = [_padded(each.weight, side) for each in self.kernels if isinstance(each, nn.Conv2d)]
        identity = _padded(torch.diag(self.identity)[..., None, None], side)
        fused.weight.copy_(torch.stack([*centred, identity]).sum(0))
        assert fused.bias is not None
        fused.bias.copy_(largest.bias)
        return fused


def _padded(weight: Tensor, side: int) -> Tensor:
    """A kernel in the middle of one of `side` x `side`, zeros around it."""
    return functional.pad(weight, [(side - weight.shape[-1]) // 2] * 4)

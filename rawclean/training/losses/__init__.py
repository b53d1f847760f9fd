"""Losses: each takes the denoised planes (B, 4, H, W), linear float32, and their batch, and returns a scalar.

All are relative to the noise that was there, so that every noise level weighs alike: about one (or zero, for the
logarithm) where nothing was denoised, least where all was.
"""

from collections.abc import Callable

from torch import Tensor

from rawclean.training.batch import Batch

Loss = Callable[[Tensor, Batch], Tensor]

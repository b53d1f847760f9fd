"""Layers of small networks in numpy, and their weights."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from rawclean.errors import ModelError

Weights = dict[str, np.ndarray]
"""By the names that torch gives them."""
Shapes = dict[str, tuple[int, ...]]
"""Of weights, by their names."""


def layer_shapes(channels: dict[str, tuple[int, int]], *kernel: int) -> Shapes:
    """Of the weights and biases of layers, given their `channels` in and out and the sides of their kernel."""
    weights = {f"{layer}.weight": (made, given, *kernel) for layer, (given, made) in channels.items()}
    return weights | {f"{layer}.bias": (made,) for layer, (_, made) in channels.items()}


def read_weights(path: Path, shapes: Shapes) -> Weights:
    """The weights of a file, float32.

    Raises ModelError where it is missing, does not have `shapes`, or is not finite.
    """
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a file of weights ({error}); reinstall rawclean") from error
    if {name: values.shape for name, values in weights.items()} != shapes:
        raise ModelError(f"{path}: the weights of another network; reinstall rawclean")
    if not all(np.isfinite(values).all() for values in weights.values()):
        raise ModelError(f"{path}: some of its weights are not finite numbers; reinstall rawclean")
    return {name: values.astype(np.float32) for name, values in weights.items()}


def convolved(images: np.ndarray, weights: Weights, layer: str, stride: int = 1) -> np.ndarray:
    """A 3x3 convolution of images (N, H, W, C) with zeros around, and what is above zero of it: (N, H', W', C')."""
    kernel = weights[f"{layer}.weight"].transpose(2, 3, 1, 0)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + height : stride, j : j + width : stride] for i in range(3) for j in range(3)]
    sums = np.concatenate(shifted, axis=-1) @ kernel.reshape(-1, kernel.shape[-1])
    sums += weights[f"{layer}.bias"]
    return sums.clip(min=0, out=sums)


def linear(values: np.ndarray, weights: Weights, layer: str) -> np.ndarray:
    """A linear layer on values (N, C): (N, C')."""
    return values @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]

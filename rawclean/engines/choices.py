"""What a user can ask of the machine; free of what computes, so that the command line starts fast."""

import os
from enum import Enum

TILE = 768
"""Default side of a tile's core, in 2x2 cells. Of 640, 768 and 1024 it is the fastest on two cores: 24 MP in 8.9, 8.3
and 9.0 s by the rung standard, in 15.5, 14.3 and 14.5 s by best. Larger ones need more memory (1.3, 1.6 and 2.4 GB by
standard), smaller ones repeat more neighbours."""
LEAST_TILE = 32
"""Least side that can be asked for."""

MOST_TILES = 4
"""Under way at once: each needs memory of its own, and more cores help with each."""


def tiles_at_once() -> int:
    """How many tiles a CPU has under way."""
    return min(os.cpu_count() or 1, MOST_TILES)


class DeviceChoice(Enum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class EngineChoice(Enum):
    """What computes a network."""

    AUTO = "auto"
    """OpenVINO on a CPU, torch on a GPU and where OpenVINO is not installed."""
    OPENVINO = "openvino"
    TORCH = "torch"


class Precision(Enum):
    """Format of the network's activations; the subtraction is float32 always."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"

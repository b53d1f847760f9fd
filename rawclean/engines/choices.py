"""What a user can ask of the machine; free of what computes, so that the command line starts fast."""

import os
from enum import Enum

TILE = 640
"""Default side of a tile's core, in 2x2 cells. Fastest of 384, 512, 640, 768 and 1024 for 24 MP on two cores (6.5, 6.7,
5.6, 6.3 and 6.3 s for a photo by the student); larger ones need more memory, smaller ones repeat more neighbours."""
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

"""What a user can ask of the machine; free of torch, so that the command line starts fast."""

from enum import Enum


class DeviceChoice(Enum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Precision(Enum):
    """Format of the network's activations; the subtraction is float32 always."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"

"""Which device torch computes on, decided in this one place."""

import torch

from rawclean.engines.choices import DeviceChoice, Precision
from rawclean.errors import UnsupportedDeviceError


def pick_device(choice: DeviceChoice) -> torch.device:
    """The device for a choice; `auto` prefers CUDA, then Apple's GPU, then the CPU.

    Raises UnsupportedDeviceError where the device asked for is absent.
    """
    available = {
        DeviceChoice.CUDA: torch.cuda.is_available(),
        DeviceChoice.MPS: torch.backends.mps.is_available(),
        DeviceChoice.CPU: True,
    }
    if choice is DeviceChoice.AUTO:
        choice = next(device for device, there in available.items() if there)
    if not available[choice]:
        names = ", ".join(device.value for device, there in available.items() if there)
        raise UnsupportedDeviceError(f"no {choice.value} device on this machine; use --device {names}")
    return torch.device(choice.value)


def gpu_name() -> str | None:
    """The GPU that `auto` takes, for people; None where torch finds none."""
    place = pick_device(DeviceChoice.AUTO)
    if place.type == "cuda":
        return f"{torch.cuda.get_device_name(place)}, torch built for CUDA {torch.version.cuda}"
    return "that of the Mac, by Metal" if place.type == "mps" else None


def pick_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Number format of the network; `auto` is bfloat16 where the hardware has it, else float32.

    A CPU without bfloat16 instructions emulates them three to seven times slower than it computes float32.
    """
    if precision is Precision.AUTO:
        return torch.bfloat16 if has_bf16(device) else torch.float32
    return torch.bfloat16 if precision is Precision.BF16 else torch.float32


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bfloat16 without emulating it."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return False

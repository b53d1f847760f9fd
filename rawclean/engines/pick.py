"""Which engine runs a model: OpenVINO on a CPU, torch on a GPU and wherever OpenVINO cannot."""

import ctypes.util
import importlib.metadata
import importlib.util
import platform
import sys

from rawclean.engines.choices import DeviceChoice, EngineChoice, Precision
from rawclean.engines.contract import Engine
from rawclean.errors import UnsupportedDeviceError, UsageError
from rawclean.models.cards import ModelCard
from rawclean.models.files import check_weights


def pick_engine(card: ModelCard, engine: EngineChoice, device: DeviceChoice, precision: Precision) -> Engine:
    """The model of a card, ready to run.

    Raises UsageError where what is asked for does not go together, UnsupportedDeviceError where it is not installed,
    ModelError for damaged weights.
    """
    if engine is EngineChoice.OPENVINO and device in (DeviceChoice.CUDA, DeviceChoice.MPS):
        raise UsageError(f"--engine openvino runs on the CPU; leave out --device {device.value}, or use --engine torch")
    if _takes_openvino(card, engine, device):
        return _openvino_engine(card, precision)
    return _torch_engine(card, device, precision)


def load_runtime(engine: EngineChoice, device: DeviceChoice) -> None:
    """Load what will run models on a CPU; what goes wrong is raised by `pick_engine`."""
    if engine is not EngineChoice.TORCH and _on_cpu(device) and openvino_is_installed():
        from rawclean.engines.openvino_engine import cpu_has_bf16  # noqa: PLC0415 (only where it is installed)

        cpu_has_bf16()


def check_device(device: DeviceChoice) -> None:
    """Raise UnsupportedDeviceError where a GPU that is asked for is not there."""
    if device in (DeviceChoice.CUDA, DeviceChoice.MPS):
        _check_torch()
        from rawclean.engines.device import pick_device  # noqa: PLC0415

        pick_device(device)


def engine_of(card: ModelCard) -> str:
    """What would run a model without being told, and why it is not OpenVINO, for people."""
    if _takes_openvino(card, EngineChoice.AUTO, DeviceChoice.AUTO):
        return "openvino"
    if may_have_gpu():
        return "torch, which may find a graphics card"
    if not openvino_is_installed():
        return "torch; OpenVINO, which is faster on a CPU, is not installed (pip install openvino)"
    return f"torch; model {card.name} has no ONNX file for OpenVINO"


def has_fast_arithmetic(engine: EngineChoice, device: DeviceChoice, precision: Precision) -> bool:
    """Whether networks would run on a GPU, or in the bfloat16 that the CPU has instructions for.

    Raises UnsupportedDeviceError where what is asked for is not installed.
    """
    on_cpu = _on_cpu(device)
    if on_cpu and precision is Precision.FP32:
        return False
    if on_cpu and engine is not EngineChoice.TORCH and openvino_is_installed():
        from rawclean.engines.openvino_engine import cpu_has_bf16  # noqa: PLC0415 (only where it is installed)

        return cpu_has_bf16()
    _check_torch()
    from rawclean.engines.device import has_bf16, pick_device  # noqa: PLC0415

    place = pick_device(device)
    return place.type != "cpu" or (precision is not Precision.FP32 and has_bf16(place))


def openvino_is_installed() -> bool:
    """Whether it can be imported."""
    return importlib.util.find_spec("openvino") is not None


def may_have_gpu() -> bool:
    """Whether torch could compute on a GPU here: asked without loading it, which takes longer than most photos."""
    return why_no_gpu() is None


def why_no_gpu() -> str | None:
    """Why torch cannot compute on a GPU here, for people; None where it may."""
    if sys.platform == "darwin":
        return None if platform.machine() == "arm64" else "a Mac with an Intel processor, whose GPU torch does not use"
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "torch is not installed"
    if version.endswith("+cpu"):
        return f"torch {version} is the build for CPUs alone"
    library = "nvcuda" if sys.platform == "win32" else "cuda"
    return None if ctypes.util.find_library(library) else "no NVIDIA driver is installed"


def _on_cpu(device: DeviceChoice) -> bool:
    return device is DeviceChoice.CPU or (device is DeviceChoice.AUTO and not may_have_gpu())


def _takes_openvino(card: ModelCard, engine: EngineChoice, device: DeviceChoice) -> bool:
    if engine is EngineChoice.TORCH:
        return False
    if engine is EngineChoice.OPENVINO:
        if not openvino_is_installed():
            raise UnsupportedDeviceError("OpenVINO is not installed; pip install openvino, or use --engine torch")
        if card.onnx_sha256 is None:
            raise UsageError(f"model {card.name} has no ONNX file, which OpenVINO needs; use --engine torch")
        return True
    return _on_cpu(device) and card.onnx_sha256 is not None and openvino_is_installed()


def _openvino_engine(card: ModelCard, precision: Precision) -> Engine:
    from rawclean.engines.openvino_engine import OpenVinoEngine  # noqa: PLC0415 (only where it is installed)

    check_weights(card.onnx_path, card.onnx_sha256)
    check_weights(card.path, card.sha256)  # where most of the numbers are
    return OpenVinoEngine(
        card.onnx_path, precision, multiple_of=card.multiple_of, network_halo=card.halo, planes=card.mosaic.planes
    )


def _torch_engine(card: ModelCard, device: DeviceChoice, precision: Precision) -> Engine:
    _check_torch()
    from rawclean.engines.device import pick_device, pick_dtype  # noqa: PLC0415
    from rawclean.engines.torch_engine import TorchEngine  # noqa: PLC0415
    from rawclean.models.weights import load_model  # noqa: PLC0415

    place = pick_device(device)
    return TorchEngine(load_model(card), place, pick_dtype(precision, place))


def _check_torch() -> None:
    try:
        import torch  # noqa: F401, PLC0415 (it takes seconds to load)
    except ImportError as error:
        raise UnsupportedDeviceError("torch is not installed; pip install torch, or use --engine openvino") from error

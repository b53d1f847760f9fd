"""Models on OpenVINO: CPUs, from the ONNX file beside the weights, without torch.

Of the graph in the file only the network runs here, in what the CPU is fast in: what prepares a window (sigma, guides)
needs float32, and numpy is faster at it.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.noise import LARGEST_NOISE, SIGMA_WINDOW, NoiseModel
from rawclean.core.tiling import core_of, whole_steps
from rawclean.engines.choices import Precision, tiles_at_once
from rawclean.engines.guides import noise_guides, sigma_around
from rawclean.engines.openvino_runtime import UNREADABLE, frontend, openvino, opset13
from rawclean.engines.trimming import trim
from rawclean.errors import ModelError
from rawclean.io.scratch import scratch_folder
from rawclean.models.onnx_names import GUIDE, IN_SIGMAS, PLANES

_DEVICE = "CPU"


class OpenVinoEngine:
    """A model from an ONNX file; see `engines.contract.Engine`."""

    def __init__(self, path: Path, precision: Precision, *, multiple_of: int, network_halo: int, planes: int) -> None:
        """Raises ModelError where the file is no network for so many planes, or its weights are not finite."""
        self.workers = tiles_at_once()
        self.multiple_of = multiple_of
        self.halo = whole_steps(network_halo + SIGMA_WINDOW // 2, multiple_of)
        core = openvino.Core()
        self._format = _format(core, precision)
        network = read_network(path, planes)
        self._scales = len(network.inputs)
        trim(network, self.halo)
        self._network = core.compile_model(network, _DEVICE, self._options(self._format))
        self._threads = threading.local()

    @property
    def name(self) -> str:
        """Program, device and number format, for people."""
        return f"openvino cpu {self._format}"

    def predict_noise(self, window: np.ndarray, noise: NoiseModel) -> np.ndarray:
        """As `Engine.predict_noise`."""
        if not hasattr(self._threads, "request"):
            self._threads.request = self._network.create_infer_request()
        sigma = sigma_around(window, noise)
        guides = [guide[None] for guide in noise_guides(window, sigma, self._scales, CfaFamily.of_planes(len(window)))]
        (in_sigmas,) = self._threads.request.infer(guides, share_inputs=True, share_outputs=True).values()
        return core_of(sigma, self.halo) * in_sigmas[0].clip(-LARGEST_NOISE, LARGEST_NOISE)

    def _options(self, number_format: str) -> dict[str, str | int | bool]:
        """One stream a worker, each on cores of its own: tiles wait for nothing of each other."""
        return {
            "INFERENCE_PRECISION_HINT": number_format,
            "NUM_STREAMS": self.workers,
            "INFERENCE_NUM_THREADS": os.cpu_count() or 1,
            "ENABLE_CPU_PINNING": False,  # a thread that is tied to a core waits for whatever else runs there
        }


def _format(core: openvino.Core, precision: Precision) -> str:
    """OpenVINO's name of the number format; `auto` is bf16 where the CPU has instructions for it."""
    if precision is Precision.AUTO:
        return "bf16" if _has_bf16(core) else "f32"
    return "bf16" if precision is Precision.BF16 else "f32"


def cpu_name() -> str:
    """What the CPU calls itself."""
    return str(openvino.Core().get_property(_DEVICE, "FULL_DEVICE_NAME")).strip()


@cache
def cpu_has_bf16() -> bool:
    """Whether the CPU has instructions for bfloat16."""
    return _has_bf16(openvino.Core())


def _has_bf16(core: openvino.Core) -> bool:
    return "BF16" in core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")


def read_network(path: Path, planes: int) -> openvino.Model:
    """The network of a model for so many planes, from guides to noise in sigmas; raises ModelError where it is none."""
    try:
        onnx = frontend.FrontEndManager().load_by_framework("onnx")  # the others write to standard error
        with _real(path) as real:
            model = onnx.convert(onnx.load(str(real)))
        taken = model.input(PLANES).get_partial_shape()[1].get_length()
        network = _network_of(model)
    except (*UNREADABLE, KeyError) as error:  # OpenVINO's own messages are pages long
        raise ModelError(f"{path}: not a network that OpenVINO can read; reinstall rawclean") from error
    if taken != planes:
        raise ModelError(f"{path}: a network for {taken} planes, where {planes} are needed; reinstall rawclean")
    constants = (each for each in model.get_ops() if each.get_type_name() == "Constant")
    if not all(np.isfinite(each.data).all() for each in constants if each.data.dtype.kind == "f"):
        raise ModelError(f"{path}: some of its weights are not finite numbers; reinstall rawclean")
    return network


@contextmanager
def _real(path: Path) -> Iterator[Path]:
    """An ONNX file beside its weights, both without links: OpenVINO follows none to what lies in another folder.

    Installations of files that are links are common, and not all keep the names.
    """
    weights = path.with_suffix(".safetensors")
    if weights.resolve() == path.resolve().with_suffix(".safetensors"):
        yield path.resolve()
        return
    with scratch_folder() as folder:
        for each in (path, weights):
            if each.exists():
                shutil.copyfile(each, Path(folder) / each.name)
        yield Path(folder) / path.name


def _network_of(model: openvino.Model) -> openvino.Model:
    """The part of a model from its guides to the noise in sigmas."""
    outputs = {output.get_any_name(): output.node.input_value(0) for output in model.outputs}
    parameters = []
    for guide in (outputs[name] for name in outputs if name.startswith(GUIDE)):
        parameter = opset13.parameter(guide.get_partial_shape(), np.float32)
        for target in guide.get_target_inputs():
            if target.get_node().get_type_name() != "Result":
                target.replace_source_output(parameter.output(0))
        parameters.append(parameter)
    return openvino.Model([outputs[IN_SIGMAS]], parameters, "network")

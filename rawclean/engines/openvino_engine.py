"""Models on OpenVINO: CPUs, from the ONNX file beside the weights, without torch.

What prepares a window (sigma, guides) runs in float32, the network between in what the CPU is fast in; so the graph of
the file is cut in two at its guides.
"""

import os
import threading
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13

from rawclean.core.noise import LARGEST_NOISE, NoiseModel
from rawclean.engines.choices import Precision
from rawclean.models.onnx_names import GUIDE, IN_SIGMAS, SIGMA

_DEVICE = "CPU"


class OpenVinoEngine:
    """A model from an ONNX file; see `engines.contract.Engine`."""

    def __init__(self, path: Path, precision: Precision, *, multiple_of: int, reach: int) -> None:
        self.workers = os.cpu_count() or 1
        self.multiple_of, self.reach = multiple_of, reach
        core = openvino.Core()
        self._format = _format(core, precision)
        preparation, network = _split(core.read_model(path))
        self._preparation = core.compile_model(preparation, _DEVICE, self._options("f32"))
        self._network = core.compile_model(network, _DEVICE, self._options(self._format))
        self._threads = threading.local()

    @property
    def name(self) -> str:
        """Program, device and number format, for people."""
        return f"openvino cpu {self._format}"

    def predict_noise(self, window: np.ndarray, noise: NoiseModel) -> np.ndarray:
        """As `Engine.predict_noise`."""
        if not hasattr(self._threads, "requests"):
            self._threads.requests = self._preparation.create_infer_request(), self._network.create_infer_request()
        prepare, run = self._threads.requests
        sigma, *guides = prepare.infer([window[None], noise.shot, noise.read], share_outputs=True).values()
        (in_sigmas,) = run.infer(guides, share_inputs=True, share_outputs=True).values()
        found: np.ndarray = (in_sigmas[0].clip(-LARGEST_NOISE, LARGEST_NOISE)) * sigma[0]
        return found

    def _options(self, number_format: str) -> dict[str, str | int]:
        """One stream a worker, each on a thread of its own: tiles wait for nothing of each other."""
        return {
            "INFERENCE_PRECISION_HINT": number_format,
            "NUM_STREAMS": self.workers,
            "INFERENCE_NUM_THREADS": self.workers,
        }


def _format(core: openvino.Core, precision: Precision) -> str:
    """OpenVINO's name of the number format; `auto` is bf16 where the CPU has instructions for it."""
    if precision is Precision.AUTO:
        return "bf16" if "BF16" in core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES") else "f32"
    return "bf16" if precision is Precision.BF16 else "f32"


def _split(model: openvino.Model) -> tuple[openvino.Model, openvino.Model]:
    """The model up to sigma and guides, and from the guides to the noise in sigmas."""
    outputs = {output.get_any_name(): output.node.input_value(0) for output in model.outputs}
    guides = [outputs[name] for name in outputs if name.startswith(GUIDE)]
    preparation = openvino.Model([outputs[SIGMA], *guides], model.get_parameters(), "preparation").clone()
    parameters = []
    for guide in guides:
        parameter = opset13.parameter(guide.get_partial_shape(), np.float32)
        for target in guide.get_target_inputs():
            if target.get_node().get_type_name() != "Result":
                target.replace_source_output(parameter.output(0))
        parameters.append(parameter)
    return preparation, openvino.Model([outputs[IN_SIGMAS]], parameters, "network")

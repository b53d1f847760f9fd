"""The multiply-adds per second that an engine reaches on one plain convolution, to compare a network with."""

import os
import time
from collections.abc import Callable

import numpy as np

CHANNELS, SIDE, REPEATS = 64, 256, 12
_GMAC = 9 * CHANNELS**2 * SIDE**2 / 1e9


def peak_gmac_per_second(engine: str) -> float:
    """Of a 3x3 convolution of 64 channels on all cores by an engine with this `Engine.name`; the best of twelve."""
    program, device, number_format = engine.split()
    run, at_once = _openvino(number_format) if program == "openvino" else _torch(device, number_format)
    run()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return at_once * _GMAC / min(seconds)


def _openvino(number_format: str) -> tuple[Callable[[], object], int]:
    from rawclean.engines.openvino_runtime import openvino, opset13  # noqa: PLC0415 (only where it is installed)

    count = os.cpu_count() or 1
    given = opset13.parameter([count, CHANNELS, SIDE, SIDE], np.float32)
    weights = np.full((CHANNELS, CHANNELS, 3, 3), 0.01, np.float32)
    layer = opset13.convolution(given, opset13.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])
    options = {"INFERENCE_PRECISION_HINT": number_format}
    compiled = openvino.compile_model(openvino.Model([layer], [given]), "CPU", options)
    request = compiled.create_infer_request()
    values = np.full((count, CHANNELS, SIDE, SIDE), 0.5, np.float32)
    return lambda: request.infer([values], share_inputs=True, share_outputs=True), count


def _torch(device: str, number_format: str) -> tuple[Callable[[], object], int]:
    import torch  # noqa: PLC0415 (it takes seconds to load)

    dtype, count = getattr(torch, number_format), 8
    layer = torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1).to(device, dtype)
    values = torch.full((count, CHANNELS, SIDE, SIDE), 0.5).to(device, dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def run() -> object:
        return layer(values).flatten()[0].item()  # a GPU is waited for

    return run, count

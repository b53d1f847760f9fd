"""A network as an ONNX file, for OpenVINO and for other programs.

Inputs and outputs have the names of `onnx_names`; height and width are free, in multiples of the network's own. Beside
a weight file it need not hold the weights once more: it tells where in that file they are (ONNX, external data).
"""

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rawclean.errors import ModelError
from rawclean.io.atomic import write_atomically
from rawclean.models.onnx_names import GUIDE, IN_SIGMAS, NOISE, PLANES, READ, SHOT, SIGMA
from rawclean.networks import Network
from rawclean.networks.predictor import NoisePredictor

OPSET = 20
_EXAMPLE_UNITS = 5, 7
"""Height and width to trace with, in multiples of the network's own: unequal, and not one."""
_MOST_UNITS = 1 << 16
_LARGE = 256
"""Weights of a layer from which on it matters how many bytes each takes."""


def export_is_installed() -> bool:
    """Whether the packages that write ONNX files can be imported."""
    return all(importlib.util.find_spec(name) is not None for name in ("onnx", "onnxscript"))


def export_onnx(network: Network, path: Path, weights: Path | None = None) -> None:
    """Write `network`, and what surrounds it (`networks.predictor`), as one file.

    Weights that 16 bits hold exactly are stored in them, and cast to the 32 bits in which they are computed. Those that
    the file `weights` has, which must stay in the same folder, are left there.

    Raises ModelError where the packages for it are not installed, OutputError where the file cannot be written.
    """
    if not export_is_installed():
        raise ModelError("the packages onnx and onnxscript are missing; pip install 'rawclean[export]'")
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass  # noqa: PLC0415 (an extra)

    step, planes = network.multiple_of, network.mosaic.planes
    height, width = (units * step for units in _EXAMPLE_UNITS)
    example = (torch.full((1, planes, height, width), 0.2), *(torch.full((planes,), value) for value in (1e-3, 1e-6)))
    rows, columns = (step * torch.export.Dim(side, min=1, max=_MOST_UNITS) for side in ("rows", "columns"))
    with _quiet():
        program = torch.onnx.export(
            NoisePredictor(network).eval(),
            example,
            input_names=[PLANES, SHOT, READ],
            output_names=[NOISE, IN_SIGMAS, SIGMA, *(f"{GUIDE}{scale}" for scale in range(network.scales))],
            dynamic_shapes=({2: rows, 3: columns}, None, None),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    ClearMetadataAndDocStringPass()(program.model)  # where each node comes from, with paths of this machine
    _store_halves(program.model.graph)
    if weights is not None:
        _leave(program.model.graph, weights)
    write_atomically(path, [program.model_proto.SerializeToString()])


def _store_halves(graph: Any) -> None:
    """Store the large weights of a graph in 16 bits where that loses nothing."""
    import onnx_ir as ir  # noqa: PLC0415 (an extra)

    for name, value in list(graph.initializers.items()):
        weights = value.const_value.numpy()
        if weights.dtype != np.float32 or weights.size < _LARGE:
            continue
        with np.errstate(over="ignore"):
            half = weights.astype(np.float16)
        if not np.array_equal(half, weights):
            continue
        stored = ir.Value(name=f"{name}.half", const_value=ir.tensor(half), shape=value.shape)
        stored.dtype = ir.DataType.FLOAT16
        cast = ir.node("Cast", [stored], {"to": ir.DataType.FLOAT.value}, name=f"{name}.cast")
        graph.insert_before(graph[0], cast)
        ir.convenience.replace_all_uses_with(value, cast.outputs[0])
        del graph.initializers[name]
        graph.register_initializer(stored)


def _leave(graph: Any, weights: Path) -> None:
    """Refer to the bytes of `weights` instead of holding them, where it has those of a large constant."""
    import onnx_ir as ir  # noqa: PLC0415 (an extra)

    stored = weights.read_bytes()
    for name, value in graph.initializers.items():
        tensor = value.const_value
        if tensor.size < _LARGE:
            continue
        content = tensor.tobytes()
        offset = stored.find(content)
        if offset >= 0:
            value.const_value = ir.ExternalTensor(
                weights.name, offset, len(content), tensor.dtype, shape=tensor.shape, name=name, base_dir=weights.parent
            )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter and its libraries tell of themselves."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)

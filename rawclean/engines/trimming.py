"""A network that computes the core of its window only: nothing that no sample of the core depends on.

The halo of a window is as wide as its coarsest scale looks. Finer scales of the decoder look but a few samples beyond
the core, so that what they are given is cut there: exactly the same numbers, of which fewer are computed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rawclean.engines.openvino_runtime import openvino, opset13

WORTH = 16
"""Samples to a side that a cut must save at its scale; cutting copies what is left."""
_POINTWISE = {"Add", "Subtract", "Multiply", "Divide", "Relu", "Clamp", "Sigmoid", "MVN", "Transpose", "Convert"}
"""Operations whose output depends on one place of their inputs; MVN is over channels, as `Network` promises."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """A place where data can be cut: what an operation takes at one of its inputs."""

    target: openvino.Input
    scale: int
    """Halvings of the window's resolution."""
    needed: int
    """Samples beyond the core, at this scale, that count."""


def trim(network: openvino.Model, halo: int) -> None:
    """Make a network give the core of a window: what is left without `halo` on each side, a multiple of its step.

    The inputs of `network` are its guides, finest first.
    """
    edges = list(_edges(network))
    margins: dict[int, int] = {}
    for edge in edges:
        margins[edge.scale] = max(margins.get(edge.scale, 0), edge.needed)
    margins = {scale: margin for scale, margin in margins.items() if halo // 2**scale - margin >= WORTH}
    for edge in edges:
        if edge.scale in margins:
            _cut(edge.target, _margin_of(edge, margins, halo) - margins[edge.scale])
    _cut(network.get_results()[0].input(0), margins.get(0, halo))
    network.validate_nodes_and_infer_types()


def _edges(network: openvino.Model) -> Iterator[_Edge]:
    """Where the decoder joins a coarser scale and takes its guides; none where an operation is not known."""
    scales = _scales(network)
    needed: dict[openvino.Node, int] = {}
    coarsest = dict(scales)
    """Of what comes of a node: what goes down again is the encoder's."""
    found = []
    for node in reversed(network.get_ordered_ops()):
        if node not in scales:
            continue
        reach = _reach(node, needed.get(node, 0))
        if reach is None:
            return
        taken = [(each, _source(each)) for each in node.inputs() if _source(each) in scales]
        for _, source in taken:
            needed[source] = max(needed.get(source, 0), reach)
            coarsest[source] = max(coarsest[source], coarsest[node])
        kinds = [_kind(source) for _, source in taken]
        joins, guided = "Interpolate" in kinds and len(taken) > 1, "Parameter" in kinds
        if joins or (guided and coarsest[node] == scales[node]):
            found += [_Edge(each, scales[source], reach) for each, source in taken]
    yield from found


def _scales(network: openvino.Model) -> dict[openvino.Node, int]:
    """The scale of all that depends on the guides by value, not by shape."""
    scales = {parameter: scale for scale, parameter in enumerate(network.get_parameters())}
    for node in network.get_ordered_ops():
        sources = [
            scales[source] for each in node.inputs() if (source := each.get_source_output().get_node()) in scales
        ]
        if not sources or _kind(node) == "ShapeOf":
            continue
        scale = sources[0]
        if _kind(node) == "Convolution" and node.get_attributes()["strides"] == [2, 2]:
            scale += 1
        scales[node] = scale - 1 if _kind(node) == "Interpolate" else scale
    return scales


def _reach(node: openvino.Node, needed: int) -> int | None:
    """Samples beyond the core that an operation needs for `needed` of its output; None where it is not known."""
    kind = _kind(node)
    if kind == "Convolution":
        kernel = int(node.input(1).get_partial_shape()[3].get_length())
        strided = node.get_attributes()["strides"] == [2, 2]
        return 2 * needed + kernel - 2 if strided else needed + kernel // 2
    if kind == "Interpolate":
        return math.ceil(needed / 2)
    return needed if kind in (*_POINTWISE, "Result", "Parameter") else None


def _margin_of(edge: _Edge, margins: dict[int, int], halo: int) -> int:
    """What is beyond the core of the data that an edge brings."""
    coarser = edge.scale + 1
    if _kind(_source(edge.target)) == "Interpolate" and coarser in margins:
        return 2 * margins[coarser]
    return halo // 2**edge.scale


def _cut(target: openvino.Input, margin: int) -> None:
    """Take `margin` off every side of what an input takes."""
    if margin:
        source = target.get_source_output()
        piece = opset13.slice(source, [margin, margin], [-margin, -margin], [1, 1], [2, 3])
        target.replace_source_output(piece.output(0))


def _source(target: openvino.Input) -> openvino.Node:
    """What makes the data that an input takes."""
    return target.get_source_output().get_node()


def _kind(node: openvino.Node) -> str:
    return str(node.get_type_name())

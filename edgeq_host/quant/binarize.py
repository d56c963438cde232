"""Signs before the layers of a float graph that shall read activations of 1 bit.

Every channel of such an activation becomes one of two values: the mean of what lies above the channel's mean, or of what lies below, over
the calibration samples. With m in their middle and d their half distance that is m + d b, b a sign; so the layer reads signs of size 1,
its weights take d and its bias takes m. Where a layer pads, its padding counts as m.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeq_host.errors import ModelError
from edgeq_host.graph import Array, Graph, Node, Tensor, free_name, signs_quant
from edgeq_host.quant.calibrate import refuse_constants
from edgeq_host.quant.exact import total
from edgeq_host.quant.signs import takes_signs
from edgeq_host.quant.widths import Width
from edgeq_host.session import Session

Float64 = NDArray[np.float64]
_SMALLEST = 2.0**-90  # half distance of a channel that is always the same


@dataclass(frozen=True)
class _Levels:
    """Of every channel. threshold: float32; middle, half: of the two values."""

    threshold: Array
    middle: Float64
    half: Float64


def wanting(graph: Graph, layers: Mapping[str, Width], held: Mapping[str, float]) -> list[Node]:
    """The layers that shall read signs and do not. layers: by output tensor. held: tensors of signs."""
    found = (n for n in graph.nodes if n.outputs[0] in layers and takes_signs(n) and n.inputs[0] not in held)
    return [n for n in found if layers[n.outputs[0]].reads_signs]


def binarized(graph: Graph, layers: list[Node], samples: Iterable[list[Array]], isas: int | None = None) -> Graph:
    """The graph with signs before these layers. samples: gone through twice. ModelError where the layers hold what is not finite."""
    refuse_constants(graph, layers)
    found = _levels(graph, list(dict.fromkeys(node.inputs[0] for node in layers)), samples, isas)
    made, chosen = graph.copy(), {node.outputs[0] for node in layers}
    taken, signs, nodes = {*graph.tensors, *(n.name for n in graph.nodes)}, dict[str, str](), list[Node]()
    for node in graph.nodes:
        if node.outputs[0] in chosen:
            x = node.inputs[0]
            if x not in signs:
                nodes.append(_sign(made, x, found[x], taken))
                signs[x] = nodes[-1].outputs[0]
            node = _behind(made, node, signs[x], found[x], taken)
        nodes.append(node)
    made.nodes = nodes
    return made


def _levels(graph: Graph, names: list[str], samples: Iterable[list[Array]], isas: int | None) -> dict[str, _Levels]:
    """The mean of every channel is its threshold: what lies on it counts as above."""
    session = Session(graph, keep_all=True, isas=isas)
    counts, sums = dict.fromkeys(names, 0), {name: np.zeros(graph.tensors[name].shape[-1:]) for name in names}
    for name, x in _seen(session, names, samples):
        counts[name] += len(x)
        sums[name] += total(x, 0)
    if not all(counts.values()):
        raise ModelError("the calibration data holds no samples", "give at least 64 that look like what the device will see")
    thresholds = {name: (sums[name] / counts[name]).astype(np.float32) for name in names}
    above = {name: np.zeros((2, *sums[name].shape)) for name in names}  # how many, and their sum
    for name, x in _seen(session, names, samples):
        higher = x >= thresholds[name]
        above[name] += (higher.sum(axis=0), total(np.where(higher, x, 0.0), 0))
    return {name: _split(thresholds[name], counts[name], sums[name], *above[name]) for name in names}


def _seen(session: Session, names: list[str], samples: Iterable[list[Array]]) -> Iterator[tuple[str, Float64]]:
    """Of every sample the values of each tensor, rows of channels."""
    for sample in samples:
        session.run(*sample)
        for name in names:
            values = session.tensor(name)
            yield name, values.reshape(-1, values.shape[-1]).astype(np.float64)


def _split(threshold: Array, count: int, sums: Float64, above: Float64, higher: Float64) -> _Levels:
    both = (above > 0) & (above < count)
    top = np.where(both, higher / np.maximum(above, 1), sums / count)
    bottom = np.where(both, (sums - higher) / np.maximum(count - above, 1), sums / count)
    return _Levels(threshold, (top + bottom) / 2, np.maximum((top - bottom) / 2, _SMALLEST))


def _sign(graph: Graph, x: str, levels: _Levels, taken: set[str]) -> Node:
    name, shape = free_name(f"{x}/signs", taken), graph.tensors[x].shape
    graph.tensors[name] = Tensor(name, shape, "f32", None, signs_quant(1.0, -1.0))
    t = _constant(graph, f"{x}/threshold", levels.threshold, taken)
    return Node("sign_f32", name, (x, t), (name,), {"plus": 1.0, "minus": -1.0})


def _behind(graph: Graph, node: Node, signs: str, levels: _Levels, taken: set[str]) -> Node:
    """The layer as reader of signs."""
    weight, bias = (graph.tensors[i] for i in node.inputs[1:])
    w = weight.real().astype(np.float64)
    outputs = len(w) // node.attrs.get("groups", 1)  # of a group
    half, middle = (np.repeat(v.reshape(-1, w.shape[-1]), outputs, axis=0) for v in (levels.half, levels.middle))
    along = (len(w), *[1] * (w.ndim - 2), w.shape[-1])
    added = total((w * middle.reshape(along)).reshape(len(w), -1))
    scaled = _constant(graph, f"{weight.name}/signs", w * half.reshape(along), taken)
    return replace(node, inputs=(signs, scaled, _constant(graph, f"{bias.name}/signs", bias.real() + added, taken)))


def _constant(graph: Graph, base: str, data: Array, taken: set[str]) -> str:
    name = free_name(base, taken)
    graph.tensors[name] = Tensor(name, data.shape, "f32", np.ascontiguousarray(data, np.float32))
    return name

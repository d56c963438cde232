"""Where a float graph holds signs, tensors of two values +s and -s, and what that decides before anything is calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edgeq_host.graph import SIGN, Array, Graph, Node, Tensor
from edgeq_host.quant.affine import Affine
from edgeq_host.thresholds import Condition, above

# Operators of which one input moves as it is.
_MOVERS = frozenset({"reshape", "transpose", "slice", "expand", "concat", "resize_nearest"})
_LAYERS = frozenset({"conv2d_f32", "depthwise_conv2d_f32", "transpose_conv2d_f32", "fully_connected_f32"})
_TAKES = frozenset({"conv2d_f32", "fully_connected_f32"})
_GRID = 126  # int8 holds twice as many steps, and some of rounding
_MOST = 1 << 29  # steps of a bias
_SCALES = (2.0**-100, 2.0**100)


@dataclass(frozen=True)
class Signs:
    """held: tensors of signs, with s. behind: sums of layers by name, and the one node that reads them, a sign.

    grids: sums of signs that are an output of the graph, quantized so that every one of them has its own integer. finished: such sums
    that int8 cannot hold with what is added to each channel; float32 operators add it.
    """

    held: dict[str, float]
    behind: dict[str, Node]
    grids: dict[str, Affine]
    finished: dict[str, int]

    def unquantized(self, name: str) -> bool:
        """No integers stand for this float tensor as it is."""
        return name in self.behind or name in self.finished


def find(graph: Graph) -> Signs:
    held: dict[str, float] = {}
    behind: dict[str, Node] = {}
    outputs = {e.tensor for e in graph.outputs}
    found = Signs(held, behind, {}, {})
    for node in graph.nodes:
        out = node.outputs[0]
        size = _size(graph, node, held)
        if size is not None:
            held[out] = size
        if node.op not in _LAYERS or not all(graph.tensors[i].data is not None for i in node.inputs[1:]) or graph.tensors[out].quant:
            continue
        readers = graph.consumers(out)
        if len(readers) == 1 and out not in outputs and _plain(graph, readers[0]):
            behind[out] = readers[0]
        elif not readers and out in outputs and is_product(graph, node, held):
            _output(graph, node, found)
    return found


def _plain(graph: Graph, node: Node) -> bool:
    """A sign with constants for each entry of the last axis, or one for all, whose two values the quantization of its output has."""
    if node.op != "sign_f32":
        return False
    out = graph.tensors[node.outputs[0]]
    constants = [graph.tensors[i] for i in node.inputs[1:]]
    if out.quant is None or out.quant.scale.size != 1 or out.quant.zero.any() or any(t.data is None for t in constants):
        return False
    size = float(out.quant.scale[0]) * SIGN
    fits = all(
        t.data is not None and t.data.size in (1, (out.shape or (1,))[-1]) and t.data.size == (t.shape or (1,))[-1] for t in constants
    )
    return fits and node.attrs["plus"] == size and node.attrs["minus"] == -size


def _size(graph: Graph, node: Node, held: dict[str, float]) -> float | None:
    """s of the signs that a node makes."""
    if _plain(graph, node):
        return float(node.attrs["plus"])
    if node.op not in _MOVERS and node.op != "max_pool2d_f32":
        return None
    moved = [i for i in node.inputs if graph.tensors[i].dtype == "f32"]
    sizes = {held.get(i) for i in moved}
    stated = graph.tensors[node.outputs[0]].quant
    if len(sizes) != 1 or None in sizes or (stated is not None and float(stated.scale[0]) * SIGN not in sizes):
        return None
    return sizes.pop() if node.op in _MOVERS or _whole(node) else None


def _whole(pool: Node) -> bool:
    """No bounds, and every window has a tap inside the image."""
    a = pool.attrs
    free = a["lo"] == -np.inf and a["hi"] == np.inf and a["dilation_h"] == a["dilation_w"] == 1
    return bool(free and max(a["pad_top"], a["pad_bottom"]) < a["kernel_h"] and max(a["pad_left"], a["pad_right"]) < a["kernel_w"])


def is_product(graph: Graph, node: Node, held: dict[str, float]) -> bool:
    """Whether it is a layer of signs with weights that the source gives as signs, of the operators that multiply bits."""
    weight = graph.tensors[node.inputs[1]]
    if weight.quant is None or weight.data is None or weight.quant.axis not in (None, 0) or weight.quant.zero.any():
        return False
    return reads_bits(graph, node, held) and bool(np.all(np.abs(weight.data.astype(np.int64)) == 1))


def reads_bits(graph: Graph, node: Node, held: dict[str, float]) -> bool:
    """Whether a layer of signs has an operator that multiplies bits."""
    return node.inputs[0] in held and (node.op == "fully_connected_f32" or (node.op == "conv2d_f32" and node.attrs["groups"] == 1))


def takes_signs(node: Node) -> bool:
    """Whether signs can be put before a layer: it has a bias and a kernel of signs, and makes the same of a constant everywhere."""
    return node.op in _TAKES and groups(node) == 1


def groups(node: Node) -> int:
    """Of the channels of a convolution; 1 for other layers."""
    return int(node.attrs.get("groups", 1))


def conditions(graph: Graph, sign: Node, channels: int) -> list[tuple[Condition, int]]:
    """Of every channel, when a sign is +1, or with -1 when it is -1."""
    t, *turn = (np.broadcast_to(np.asarray(graph.tensors[i].data).reshape(-1), (channels,)) for i in sign.inputs[1:])
    turns = turn[0] if turn else np.ones(channels)
    return [(above(float(value)), -1 if way < 0 else 1) for value, way in zip(t, turns, strict=True)]


def exact_bias(bias: Tensor) -> list[Fraction]:
    """The bias of every channel as its source states it."""
    assert bias.data is not None
    if bias.quant is None:
        return [Fraction(float(v)) for v in bias.data.reshape(-1)]
    scales, zeros = (np.broadcast_to(v, bias.data.shape) for v in (bias.quant.scale, bias.quant.zero))
    return [Fraction(float(s)) * (int(q) - int(z)) for q, s, z in zip(bias.data, scales, zeros, strict=True)]


# Outputs of the graph.


def _output(graph: Graph, node: Node, found: Signs) -> None:
    """One step of int8 is 1 or 2 of the sum: of n signs it is even with n. Where n is too large, samples decide as for other layers."""
    weight, bias = (graph.tensors[i] for i in node.inputs[1:])
    assert weight.quant is not None and weight.data is not None
    count = weight.data.size // weight.shape[0]
    padded = any(v for key, v in node.attrs.items() if key.startswith("pad_"))
    step = 1 if count <= _GRID else 2
    out = node.outputs[0]
    if count > _GRID * step or (padded and step > 1) or node.attrs["lo"] != -np.inf or node.attrs["hi"] != np.inf:
        return
    units, added = weight.quant.scale * found.held[node.inputs[0]], np.unique(bias.real())
    if not (units.min() >= _SCALES[0] and units.max() <= _SCALES[1] and np.all(np.abs(bias.real()) <= units * _MOST)):
        return
    if np.all(units == units[0]) and added.size == 1 and abs(float(added[0]) / units[0]) < _GRID * step:
        scale = float(np.float32(units[0] * step))
        found.grids[out] = Affine(scale, -round(float(added[0]) / scale))
    elif all(e.dtype == "f32" for e in graph.outputs if e.tensor == out):
        found.finished[out] = step


# Inputs of the graph.


def input_affine(graph: Graph, members: tuple[str, ...]) -> Affine | None:
    """For a float input that nothing but signs with one threshold reads: a quantization with the threshold between two integers."""
    edges = [e for e in graph.inputs if e.tensor in members and e.dtype == "f32"]
    readers = [n for name in members for n in graph.consumers(name) if n.outputs[0] not in members]
    if not edges or not readers or any(e.tensor in members for e in graph.outputs) or not all(_plain(graph, n) for n in readers):
        return None
    thresholds = np.unique(np.concatenate([np.asarray(graph.tensors[n.inputs[1]].data).reshape(-1) for n in readers]))
    return _around(float(thresholds[0])) if thresholds.size == 1 and np.isfinite(thresholds[0]) else None


def _around(threshold: float) -> Affine | None:
    """An affine form under which the float32 from the threshold on, and no others, come to higher integers."""
    if abs(threshold) < _SCALES[0] / 2:
        return Affine(_SCALES[0], 0)
    zero = -128 if threshold > 0 else 127
    below = np.nextafter(np.float32(threshold), np.float32(-np.inf))
    for steps in range(127, -1, -1):
        scale = float(np.float32(abs(threshold) / (steps + 0.5)))
        made = Affine(scale, zero)
        if scale >= _SCALES[0] and np.diff(made.quantize(_pair(below, threshold)).astype(int))[0] == 1:
            return made
    return None


def _pair(a: np.float32, b: float) -> Array:
    return np.array([a, b], np.float32)

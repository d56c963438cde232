"""Where a model of integers loses accuracy, layer by layer: alone, accumulated, clipping, and inputs against calibration."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeq_host.data import Data
from edgeq_host.errors import ModelError
from edgeq_host.graph import SIGN, Array, Edge, Graph, Node, Tensor
from edgeq_host.metrics import decibel
from edgeq_host.quant.affine import LEVELS, LEVELS_OF, Affine, of
from edgeq_host.quant.build import bits_name
from edgeq_host.quant.constraints import SHARING
from edgeq_host.quant.precision import ACTIVATIONS
from edgeq_host.session import Session


@dataclass(frozen=True)
class Layer:
    """One operator of the int8 model.

    alone_db: SQNR of its output when its inputs are the float values, quantized. accumulated_db: with the inputs that the
    int8 model really has. clipped: share of its float output beyond the int8 range. seen, calibrated: the range of its first
    input in this data, in float, and the one that its int8 quantization can say. outside: seen goes beyond calibrated by more
    than one step.
    """

    name: str
    op: str
    alone_db: float
    accumulated_db: float
    clipped: float
    seen: tuple[float, float]
    calibrated: tuple[float, float]
    outside: bool


@dataclass
class _Sums:
    signal: float = 0.0
    alone: float = 0.0
    accumulated: float = 0.0
    clipped: int = 0
    count: int = 0
    low: float = np.inf
    high: float = -np.inf


@dataclass(frozen=True)
class _Bits:
    """Signs of a size in place of an Affine."""

    scale: float

    @property
    def low(self) -> float:
        return -self.scale

    @property
    def high(self) -> float:
        return self.scale

    def quantize(self, x: Array) -> Array:
        return np.where(x < 0, -1, 1).astype(np.int8)

    def dequantize(self, q: Array) -> Array:
        return np.asarray(q * self.scale, np.float32)


@dataclass
class _Probe:
    """One node of the graph of integers, able to run by itself; float values are looked up by the names of tensors there."""

    node: Node
    source: str
    real: str
    output: Affine | _Bits
    inputs: dict[str, Affine | _Bits]  # activations among the inputs, by their names in the float graph
    session: Session
    sums: _Sums = field(default_factory=_Sums)


def diagnose(reference: Graph, quantized: Graph, data: Data, samples: int = 100) -> list[Layer]:
    """reference: the float graph that `quantized` was made from (prepare()d). Both take the same data; the first `samples` count."""
    reference_session, session = Session(reference, keep_all=True), Session(quantized, keep_all=True)
    levels = _levels(quantized)
    probes = [p for n in quantized.nodes if (p := _probe(reference, quantized, n, levels)) is not None]
    count = 0
    for sample in data:
        if count == samples:
            break
        reference_session.run(*sample.inputs)
        session.run(*sample.inputs)
        for probe in probes:
            _measure(probe, reference_session, session)
        count += 1
    if not count:
        raise ModelError("the data holds no samples", "give at least one")
    return [_layer(p) for p in probes]


def _levels(graph: Graph) -> dict[str, int]:
    """Of every int8 activation, as far as clamps and tables show that it has fewer than 256."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        table = graph.tensors[node.inputs[-1]].data if node.op.startswith("lookup") else None
        if table is not None:
            low, high = int(table.min()), int(table.max())
        else:
            low, high = node.attrs.get("lo", -LEVELS // 2), node.attrs.get("hi", LEVELS // 2 - 1)
        fitting = [n for n in ACTIVATIONS.values() if -n // 2 <= low and high < n // 2]
        inherited = found.get(node.inputs[0], LEVELS) if node.op in SHARING else LEVELS
        found[node.outputs[0]] = min(*fitting, inherited)
    return found


def _probe(reference: Graph, quantized: Graph, node: Node, levels: dict[str, int]) -> _Probe | None:
    """None for a node whose output or inputs have no float counterpart (conversions around islands, tensors between)."""
    output = quantized.tensors[node.outputs[0]]
    activations = [quantized.tensors[i] for i in node.inputs if quantized.tensors[i].data is None]
    real = {name: name for name in reference.tensors} | {bits_name(name): name for name in reference.tensors}
    forms = {t.name: _form(reference, real.get(t.name), t, levels) for t in (*activations, output)}
    if not activations or None in forms.values():
        return None
    inputs = {real[t.name]: form for t in activations if (form := forms[t.name])}
    made, out = forms[output.name], real[output.name]
    assert made is not None
    return _Probe(node, output.name, out, made, inputs, Session(_alone(quantized, node, [t.name for t in activations])))


def _form(reference: Graph, name: str | None, tensor: Tensor, levels: dict[str, int]) -> Affine | _Bits | None:
    """What stands between the integers of a tensor and the real values of the float graph."""
    if name is None:
        return None
    stated = reference.tensors[name].quant
    if tensor.dtype == "b1":
        return None if stated is None else _Bits(float(stated.scale[0]) * SIGN)
    if tensor.dtype not in LEVELS_OF or tensor.quant is None:
        return None
    return of(tensor.quant, levels.get(tensor.name, LEVELS) if tensor.dtype == "s8" else LEVELS_OF[tensor.dtype])


def _alone(graph: Graph, node: Node, inputs: list[str]) -> Graph:
    """A graph of this node; bits come and go as int8 of -1 and 1."""
    tensors = {name: graph.tensors[name] for name in (*node.inputs, *node.outputs)}
    nodes, edges = [node], [_edge(graph, name) for name in inputs]
    for i, edge in enumerate(edges):
        if tensors[edge.tensor].dtype == "b1":
            own, t = f"{edge.tensor}/s8", f"{edge.tensor}/t"
            tensors[own], tensors[t] = Tensor(own, edge.shape, "s8"), Tensor(t, edge.shape[-1:], "s16", np.zeros(edge.shape[-1], np.int16))
            nodes.insert(0, Node("sign_b1", own, (own, t), (edge.tensor,)))
            edges[i] = replace(edge, tensor=own, dtype="s8")
    out = _edge(graph, node.outputs[0])
    if tensors[out.tensor].dtype == "b1":
        own = f"{out.tensor}/s8"
        tensors[own] = Tensor(own, out.shape, "s8")
        nodes.append(Node("unpack_s8", own, (out.tensor,), (own,), {"plus": 1, "minus": -1}))
        out = replace(out, tensor=own, dtype="s8")
    return Graph(node.name, tensors, nodes, edges, [out])


def _edge(graph: Graph, name: str) -> Edge:
    tensor = graph.tensors[name]
    return Edge(name, name, tensor.shape, tuple(range(len(tensor.shape))), tensor.dtype)


def _measure(probe: _Probe, reference: Session, session: Session) -> None:
    sums, wanted = probe.sums, reference.tensor(probe.real).astype(np.float64)
    real = {name: reference.tensor(name) for name in probe.inputs}
    alone = probe.session.run(*(a.quantize(real[name]) for name, a in probe.inputs.items()))[0]
    sums.signal += float(np.sum(wanted**2))
    sums.alone += _noise(wanted, probe.output, alone)
    sums.accumulated += _noise(wanted, probe.output, session.tensor(probe.source))
    step = probe.output.scale  # softmax gives 1, one step more than its int8 can say
    sums.clipped += int(np.sum((wanted < probe.output.low - step) | (wanted > probe.output.high + step)))
    sums.count += wanted.size
    first = next(iter(real.values()))
    sums.low, sums.high = min(sums.low, float(first.min())), max(sums.high, float(first.max()))


def _noise(wanted: Array, at: Affine | _Bits, found: Array) -> float:
    return float(np.sum((wanted - at.dequantize(found)) ** 2))


def _layer(probe: _Probe) -> Layer:
    sums, first = probe.sums, next(iter(probe.inputs.values()))
    alone, accumulated = decibel(sums.signal, sums.alone), decibel(sums.signal, sums.accumulated)
    outside = sums.low < first.low - first.scale or sums.high > first.high + first.scale
    share = sums.clipped / sums.count
    return Layer(probe.node.name, probe.node.op, alone, accumulated, share, (sums.low, sums.high), (first.low, first.high), outside)

"""Where a model of integers loses accuracy, layer by layer: alone, accumulated, clipping, and inputs against calibration.

Where the float model has no value between operators (sums that end in a threshold, signs that quantization put in, other forms of a
tensor), they are measured together; what cannot be compared at all is said with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeq_host.data import Data
from edgeq_host.errors import ModelError
from edgeq_host.graph import SIGN, Array, Edge, Graph, Node, Tensor
from edgeq_host.levels import levels
from edgeq_host.metrics import decibel
from edgeq_host.quant.affine import LEVELS, LEVELS_OF, Affine, of
from edgeq_host.quant.build import bits_name
from edgeq_host.session import Session


@dataclass(frozen=True)
class Layer:
    """One operator of the model of integers, with those before it whose values the float model does not have.

    before: their names; ops: of all in their order. alone_db: SQNR of the output when the inputs are the float values, quantized.
    accumulated_db: with the inputs that the model of integers really has. clipped: share of the float output beyond the range of its
    integers. seen, calibrated: the range of the first input in this data, in float, and the one that its quantization can say.
    behind_signs: it lies behind signs that the float model does not have, so ranges are those of the network with signs.
    outside: seen goes beyond calibrated by more than one step; not asked behind such signs.
    """

    name: str
    op: str
    before: tuple[str, ...]
    ops: tuple[str, ...]
    alone_db: float
    accumulated_db: float
    clipped: float
    seen: tuple[float, float]
    calibrated: tuple[float, float]
    behind_signs: bool
    outside: bool


@dataclass(frozen=True)
class NotCompared:
    """An operator that is in no row, and why."""

    name: str
    op: str
    reason: str


@dataclass(frozen=True)
class Diagnosis:
    """Every operator of the model of integers is a layer, before one, or not compared."""

    layers: tuple[Layer, ...]
    not_compared: tuple[NotCompared, ...]


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
    """Nodes of the graph of integers, able to run by themselves; float values are looked up by the names of tensors there."""

    nodes: list[Node]  # the last one's output is measured
    real: str
    output: Affine | _Bits
    inputs: list[tuple[str, Affine | _Bits]]  # with the names of the float graph
    session: Session
    behind_signs: bool
    sums: _Sums = field(default_factory=_Sums)


def diagnose(reference: Graph, quantized: Graph, data: Data, samples: int = 100) -> Diagnosis:
    """reference: the float graph that `quantized` was made from (prepare()d). Both take the same data; the first `samples` count."""
    reference_session, session = Session(reference, keep_all=True), Session(quantized, keep_all=True)
    known = _Known(reference, quantized)
    probes = [p for n in quantized.nodes if (p := _probe(known, n)) is not None]
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
    covered = {n.outputs[0] for p in probes for n in p.nodes}
    rest = [NotCompared(n.name, n.op, _reason(known, n)) for n in quantized.nodes if n.outputs[0] not in covered]
    return Diagnosis(tuple(map(_layer, probes)), tuple(rest))


class _Known:
    """What tensors of the graph of integers are in the float one. forms: by name, of the activations that have a float counterpart;
    behind_signs: what comes after signs that have none."""

    def __init__(self, reference: Graph, graph: Graph) -> None:
        self.graph = graph
        self.real = {name: name for name in reference.tensors} | {bits_name(name): name for name in reference.tensors}
        of_int8 = levels(graph)
        found = {t.name: _form(reference, self.real.get(t.name), t, of_int8) for t in graph.tensors.values() if t.data is None}
        self.forms = {name: form for name, form in found.items() if form is not None}
        self.behind_signs = {n for n in found if graph.tensors[n].dtype == "b1" and n not in self.forms}
        for node in graph.nodes:
            if self.behind_signs.intersection(node.inputs):
                self.behind_signs.update(node.outputs)


def _probe(known: _Known, node: Node) -> _Probe | None:
    """None where its output, or something that it reads, has no float counterpart."""
    out = node.outputs[0]
    found = _since_known(known, node) if out in known.forms else None
    if found is None:
        return None
    nodes, inputs = found
    session = Session(_alone(known.graph, nodes, inputs))
    forms = [(known.real[name], known.forms[name]) for name in inputs]
    return _Probe(nodes, known.real[out], known.forms[out], forms, session, inputs[0] in known.behind_signs)


def _since_known(known: _Known, node: Node) -> tuple[list[Node], list[str]] | None:
    """The node with those that it needs before it, in order, and the tensors with a float counterpart that they start from."""
    graph, pending, taken, inputs = known.graph, [node], {node.outputs[0]}, dict[str, None]()
    while pending:
        for name in pending.pop().inputs:
            if graph.tensors[name].data is not None:
                continue
            if name in known.forms:
                inputs[name] = None
                continue
            producer = graph.producer(name)
            if producer is None:
                return None
            if producer.outputs[0] not in taken:
                taken.add(producer.outputs[0])
                pending.append(producer)
    return ([n for n in graph.nodes if n.outputs[0] in taken], list(inputs)) if inputs else None


def _reason(known: _Known, node: Node) -> str:
    """Why a node is in no probe."""
    kinds = {known.graph.tensors[name].dtype for name in (*node.inputs[:1], *node.outputs)}
    if "f32" in kinds:
        return "computes in float32, or converts to or from it"
    if "b1" in kinds:
        return "has signs that the float model does not have, and no integers behind them that it has"
    return "reads or makes values that the float model does not have by this name"


def _form(reference: Graph, name: str | None, tensor: Tensor, of_int8: dict[str, int]) -> Affine | _Bits | None:
    """What stands between the integers of a tensor and the real values of the float graph."""
    if name is None:
        return None
    stated = reference.tensors[name].quant
    if tensor.dtype == "b1":
        return None if stated is None else _Bits(float(stated.scale[0]) * SIGN)
    if tensor.dtype not in LEVELS_OF or tensor.quant is None:
        return None
    return of(tensor.quant, of_int8.get(tensor.name, LEVELS) if tensor.dtype == "s8" else LEVELS_OF[tensor.dtype])


def _alone(graph: Graph, nodes: list[Node], inputs: list[str]) -> Graph:
    """A graph of these nodes; bits come and go as int8 of -1 and 1."""
    tensors = {name: graph.tensors[name] for node in nodes for name in (*node.inputs, *node.outputs)}
    last, nodes, edges = nodes[-1], list(nodes), [_edge(graph, name) for name in inputs]
    for i, edge in enumerate(edges):
        if tensors[edge.tensor].dtype == "b1":
            own, t = f"{edge.tensor}/s8", f"{edge.tensor}/t"
            tensors[own], tensors[t] = Tensor(own, edge.shape, "s8"), Tensor(t, edge.shape[-1:], "s16", np.zeros(edge.shape[-1], np.int16))
            nodes.insert(0, Node("sign_b1", own, (own, t), (edge.tensor,)))
            edges[i] = replace(edge, tensor=own, dtype="s8")
    out = _edge(graph, last.outputs[0])
    if tensors[out.tensor].dtype == "b1":
        own = f"{out.tensor}/s8"
        tensors[own] = Tensor(own, out.shape, "s8")
        nodes.append(Node("unpack_s8", own, (out.tensor,), (own,), {"plus": 1, "minus": -1}))
        out = replace(out, tensor=own, dtype="s8")
    return Graph(last.name, tensors, nodes, edges, [out])


def _edge(graph: Graph, name: str) -> Edge:
    tensor = graph.tensors[name]
    return Edge(name, name, tensor.shape, tuple(range(len(tensor.shape))), tensor.dtype)


def _measure(probe: _Probe, reference: Session, session: Session) -> None:
    sums, wanted = probe.sums, reference.tensor(probe.real).astype(np.float64)
    real = [reference.tensor(name) for name, _ in probe.inputs]
    alone = probe.session.run(*(form.quantize(x) for x, (_, form) in zip(real, probe.inputs, strict=True)))[0]
    sums.signal += float(np.sum(wanted**2))
    sums.alone += _noise(wanted, probe.output, alone)
    sums.accumulated += _noise(wanted, probe.output, session.tensor(probe.nodes[-1].outputs[0]))
    step = probe.output.scale  # softmax gives 1, one step more than its int8 can say
    sums.clipped += int(np.sum((wanted < probe.output.low - step) | (wanted > probe.output.high + step)))
    sums.count += wanted.size
    first = real[0]
    sums.low, sums.high = min(sums.low, float(first.min())), max(sums.high, float(first.max()))


def _noise(wanted: Array, at: Affine | _Bits, found: Array) -> float:
    return float(np.sum((wanted - at.dequantize(found)) ** 2))


def _layer(probe: _Probe) -> Layer:
    sums, first, last = probe.sums, probe.inputs[0][1], probe.nodes[-1]
    alone, accumulated = decibel(sums.signal, sums.alone), decibel(sums.signal, sums.accumulated)
    outside = not probe.behind_signs and (sums.low < first.low - first.scale or sums.high > first.high + first.scale)
    return Layer(
        last.name,
        last.op,
        tuple(n.name for n in probe.nodes[:-1]),
        tuple(n.op for n in probe.nodes),
        alone,
        accumulated,
        sums.clipped / sums.count,
        (sums.low, sums.high),
        (first.low, first.high),
        probe.behind_signs,
        outside,
    )

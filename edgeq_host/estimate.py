"""Latency of a model on a device without running it there: its layers' work over the rates that were measured on that device."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeq_host import rates
from edgeq_host.bench.problems import Size, family
from edgeq_host.device import Facts
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.read_graph import to_graph
from edgeq_host.graph import Graph, Node
from edgeq_host.layer import Layer
from edgeq_host.rates import Rate, Rates
from edgeq_host.targets import Target

_BLOCK = re.compile(r"(\d{1,4}) x (\d{1,4})\b")
_NEAR = 3  # a measured problem weighs the less the farther it is, with this power of the distance


@dataclass(frozen=True)
class Estimate:
    """Of the first variant, on one thread. source: always modelled, from rates that were `rates_source` on `date` by `command`.
    uncounted: layers without a rate, which are not in it."""

    latency_us: float
    source: str
    rates_source: str
    date: str
    command: str
    uncounted: int


@dataclass(frozen=True)
class Problem:
    """What a layer asks of its kernel: `times` problems of a size, whose channels and inputs the kernel rounds up to whole blocks."""

    size: Size
    times: int = 1
    block: tuple[int, int] = (1, 1)

    def padded(self, size: Size) -> Size:
        rows, channels, inputs = size
        return rows, -(-channels // self.block[0]) * self.block[0], -(-inputs // self.block[1]) * self.block[1]


def of(target: Target, facts: Facts, model: eqm.ModelT, layers: Sequence[Layer]) -> tuple[Estimate | None, str]:
    """An estimate, or None and why there is none. Nothing is sent to the device."""
    try:
        known = rates.load(rates.device_of(target, facts))
    except ValueError as error:
        return None, f"not measured: {rates.command_for(target.name)} measures it anew; {error}"
    if known is None:
        return None, f"not measured: {rates.command_for(target.name)} measures it"
    graph = to_graph(model, model.variants[0], {})
    if len(graph.nodes) != len(layers):
        return None, f"not estimated: the device has {len(layers)} layers, the file {len(graph.nodes)}"
    return estimate(known, layers, graph), ""


def estimate(known: Rates, layers: Sequence[Layer], graph: Graph) -> Estimate:
    times = [layer_ns(known, layer, node, graph) for layer, node in zip(layers, graph.nodes, strict=True)]
    ns = [t for t in times if t is not None]
    return Estimate(sum(ns) / 1000, "modelled", known.source, known.date, rates.command_for(known.device.name), len(times) - len(ns))


def layer_ns(known: Rates, layer: Layer, node: Node, graph: Graph) -> float | None:
    """None where its kernel was not measured, or it has none."""
    return layer_amount(known.rates, known.layer_ns, layer, node, graph)


def layer_amount(rates: Sequence[Rate], beside: float, layer: Layer, node: Node, graph: Graph) -> float | None:
    """The same in the unit of the rates. beside: what a layer takes beside its kernel."""
    measured = [rate for rate in rates if (rate.kernel, rate.isa) == (layer.kernel, layer.isa)]
    return beside + kernel_ns(measured, problem(layer, node, graph)) if measured else None


def elements(node: Node, graph: Graph) -> int:
    """Those that an operator without products reads; of two inputs, of one."""
    count = max(math.prod(graph.tensors[node.outputs[0]].shape), 1)
    return count * _taps(node, graph, count)


def problem(layer: Layer, node: Node, graph: Graph) -> Problem:
    """The problem of a layer in the terms of bench.problems."""
    y = graph.tensors[node.outputs[0]].shape
    count, channels = max(math.prod(y), 1), y[-1] if y else 1
    pixels, taps = count // channels, _taps(node, graph, count)
    kind, block = family(layer.kernel), _BLOCK.match(layer.packing)
    nr, kr = (max(int(block[1]), 1), max(int(block[2]), 1)) if block else (1, 1)
    if kind == "gemm":
        groups = node.attrs.get("groups", 1)
        return Problem((pixels, channels // groups, _inputs(layer, node, graph, count)), groups, (nr, kr))
    if kind == "dwconv":
        return Problem((pixels, channels, max(layer.macs // count, 1)), 1, (nr, 1))
    if kind == "sum":
        return Problem((1, channels, taps), pixels)
    if kind in ("sign", "unpack"):
        return Problem((pixels, channels, 1))
    return Problem((pixels, channels, taps)) if kind == "maxpool" else Problem((count, 1, 1))


def _inputs(layer: Layer, node: Node, graph: Graph, count: int) -> int:
    """Products of one output. Transposed convolutions have fewer MACs than that: their kernels multiply the zeros between inputs, too."""
    if node.op.startswith("transpose_conv2d"):
        return math.prod(graph.tensors[node.inputs[1]].shape[1:])
    return max(layer.macs // count, 1)


def _taps(node: Node, graph: Graph, count: int) -> int:
    """Inputs of one output of a pooling operator."""
    if "kernel_h" in node.attrs:
        return int(node.attrs["kernel_h"] * node.attrs["kernel_w"])
    return max(math.prod(graph.tensors[node.inputs[0]].shape) // count, 1)


def kernel_ns(measured: Sequence[Rate], asked: Problem) -> float:
    """The rate between those of the measured problems, near ones first; beyond them as at their edge. All lengths are logarithms."""
    low, high = ([edge(rate.size[i] for rate in measured) for i in range(3)] for edge in (min, max))
    at = [math.log2(min(max(n, a), b)) for n, a, b in zip(asked.padded(asked.size), low, high, strict=True)]
    total = weights = 0.0
    for rate in measured:
        distance = math.dist(at, [math.log2(n) for n in rate.size])
        weight = 1 / (distance**_NEAR + 1e-9)
        weights += weight
        total += weight * math.log(math.prod(asked.padded(rate.size)) / rate.ns)
    return asked.times * math.prod(asked.padded(asked.size)) / math.exp(total / weights)

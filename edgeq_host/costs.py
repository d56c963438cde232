"""What a layer is expected to take where it runs portable: nothing there has a fast kernel for its types, or for its shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edgeq_host import speeds
from edgeq_host.bench.problems import family
from edgeq_host.estimate import layer_ns
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.read_graph import to_graph
from edgeq_host.graph import Graph, Node
from edgeq_host.layer import Layer
from edgeq_host.rates import Rates
from edgeq_runtime import lists

PORTABLE = "portable"
_INT8 = {"gemm": ("s8_u8_s8", "s8_s8_s8", "s8_s16_s8"), "dwconv": ("s8_u8_s8", "s8_s8_s8")}  # as operators choose; the last in any case


@dataclass(frozen=True)
class Cost:
    """amount: us, or instructions. of_int8: over what the same layer takes there in int8; None where it is int8, or that is not known.
    source, where: measured, emulated or modelled; on what machine and when, or by whose rates."""

    amount: float
    unit: str
    of_int8: float | None
    source: str
    where: str


@dataclass(frozen=True)
class There:
    """The machine that runs the layers: as it names itself, its instruction sets in use, and its rates where there are any."""

    machine: str
    isas: tuple[str, ...]
    known: Rates | None = None


def of(there: There, layers: Sequence[Layer], model: eqm.ModelT, variant: eqm.VariantT) -> list[Cost | None]:
    """Of every layer; None of those that have a fast kernel there, or no kernel at all."""
    graph = to_graph(model, variant, {})
    if len(graph.nodes) != len(layers):
        return [None] * len(layers)
    return [_of(there, layer, node, graph) if is_portable(layer) else None for layer, node in zip(layers, graph.nodes, strict=True)]


def is_portable(layer: Layer) -> bool:
    return bool(layer.kernel) and layer.isa == PORTABLE


def int8_kernel(kind: str, isas: Iterable[str]) -> lists.Kernel | None:
    """What a layer of a family runs in int8; None of a family without products."""
    have = {*isas, PORTABLE}
    for types in _INT8.get(kind, ()):
        for kernel in lists.kernels():
            if (kernel.family, kernel.types) == (kind, types) and kernel.isa in have:
                if kernel.isa != PORTABLE or types == _INT8[kind][-1]:
                    return kernel
                break
    return None


def _of(there: There, layer: Layer, node: Node, graph: Graph) -> Cost | None:
    int8 = int8_kernel(family(layer.kernel), there.isas)
    twin = None if int8 is None else replace(layer, kernel=f"{int8.family}_{int8.types}", isa=int8.isa, packing=f"{int8.nr} x {int8.kr}")
    if there.known is not None and (ns := layer_ns(there.known, layer, node, graph)) is not None:
        other = None if twin is None else layer_ns(there.known, twin, node, graph)
        return Cost(ns / 1000, "us", _ratio(ns, other, layer, twin), "modelled", f"rates {there.known.source} {there.known.date}")
    table = speeds.of(there.machine, there.isas)
    amount = None if table is None else table.cost(layer.kernel, layer.isa, layer.macs)
    if table is None or amount is None:
        return None
    other = None if twin is None else table.cost(twin.kernel, twin.isa, twin.macs)
    return Cost(amount, table.unit, _ratio(amount, other, layer, twin), table.source, table.where)


def _ratio(amount: float, other: float | None, layer: Layer, twin: Layer | None) -> float | None:
    same = twin is None or (layer.kernel, layer.isa) == (twin.kernel, twin.isa)
    return None if same or not other else amount / other

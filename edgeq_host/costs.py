"""What a layer is expected to take where it runs portable: nothing there has a fast kernel for its types, or for its shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edgeq_host import speeds
from edgeq_host.bench.problems import family
from edgeq_host.estimate import elements, layer_amount, layer_ns
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.read_graph import to_graph
from edgeq_host.graph import Graph, Node
from edgeq_host.layer import Layer
from edgeq_host.rates import Rates
from edgeq_host.speeds import Speeds
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
    """Also an operator of int16 or of signs that has no kernel."""
    return layer.isa == PORTABLE and (bool(layer.kernel) or layer.op in speeds.alone())


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
    twin = _twin(layer, there.isas)
    if there.known is not None and (ns := layer_ns(there.known, layer, node, graph)) is not None:
        other = None if twin is None else layer_ns(there.known, twin, node, graph)
        return Cost(ns / 1000, "us", _ratio(ns, other, layer, twin), "modelled", f"rates {there.known.source} {there.known.date}")
    table = speeds.of(there.machine, there.isas)
    amount = None if table is None else _by_table(table, layer, (PORTABLE,), node, graph)
    if table is None or amount is None:
        return None
    other = None if twin is None else _by_table(table, twin, there.isas, node, graph)
    return Cost(amount / (1000 if table.unit == "us" else 1), table.unit, _ratio(amount, other, layer, twin), table.source, table.where)


def _twin(layer: Layer, isas: Iterable[str]) -> Layer | None:
    """The same layer as int8 would have it there. None where int8 has nothing of the kind."""
    int8 = int8_kernel(family(layer.kernel), isas)
    if int8 is not None:
        return replace(layer, kernel=f"{int8.family}_{int8.types}", isa=int8.isa, packing=f"{int8.nr} x {int8.kr}")
    return replace(layer, op=layer.op.removesuffix("_s16") + "_s8") if layer.op.endswith("_s16") else None


def _by_table(table: Speeds, layer: Layer, isas: Iterable[str], node: Node, graph: Graph) -> float | None:
    """In ns or instructions. isas: of which an operator that only elements are known of may choose."""
    amount = layer_amount(table.rates, table.layer, layer, node, graph)
    if amount is None and (each := table.element(layer.op, isas)) is not None:
        return table.layer + each * elements(node, graph)
    return amount


def _ratio(amount: float, other: float | None, layer: Layer, twin: Layer | None) -> float | None:
    same = twin is None or twin == layer or (bool(layer.kernel) and (layer.kernel, layer.isa) == (twin.kernel, twin.isa))
    return None if same or not other else amount / other

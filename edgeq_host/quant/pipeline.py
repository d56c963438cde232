"""A float graph becomes an int8 graph: choose one quantization for every activation, then rewrite node by node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeq_host.errors import UnsupportedError, UsageError
from edgeq_host.graph import Array, Edge, Graph, Node
from edgeq_host.quant import rules
from edgeq_host.quant.affine import Affine, of
from edgeq_host.quant.build import Build, NoRuleError
from edgeq_host.quant.calibrate import Statistics, calibrate
from edgeq_host.quant.constraints import Group, activations, groups
from edgeq_host.quant.preprocess import keeps_float, prepare

if TYPE_CHECKING:
    from edgeq_host.recipe import Recipe

FEW_SAMPLES = 64


@dataclass(frozen=True)
class Island:
    """A node that computes in float32 in the int8 graph, and why."""

    node: str
    op: str
    reason: str


@dataclass(frozen=True)
class Quantized:
    graph: Graph
    samples: int  # seen in calibration
    islands: tuple[Island, ...]
    warnings: tuple[str, ...]


def wants_samples(graph: Graph, recipe: Recipe) -> bool:
    """Whether calibration would decide anything: a range that the source does not state, for int8."""
    return recipe.precision == "int8" and any(g.known is None for g in groups(prepare(graph, recipe)))


def quantize(graph: Graph, samples: Iterable[list[Array]] | None, recipe: Recipe) -> Graph:
    """The int8 graph. samples: one list of arrays per sample, as the inputs of prepare(graph, recipe) have them."""
    return quantize_reported(graph, samples, recipe).graph


def quantize_reported(graph: Graph, samples: Iterable[list[Array]] | None, recipe: Recipe, isas: int | None = None) -> Quantized:
    """The same with what a user should know. isas: instruction sets for calibration; every choice gives the same graph."""
    if recipe.precision != "int8":
        raise UsageError(f"quantize makes int8, the recipe asks for {recipe.precision}", "use the graph as it is, or precision = 'int8'")
    graph = prepare(graph, recipe)
    _refuse_per_channel(graph)
    found = groups(graph)
    open_groups = [g for g in found if g.known is None]
    warnings: list[str] = []
    seen = Statistics()
    if open_groups and samples is not None:
        seen = calibrate(graph, open_groups, samples, recipe, isas)
        warnings = _warnings(seen)
    elif open_groups and not _annotated(graph):
        raise UsageError("a float model needs calibration samples", "give --calibration DATA, or --calibration random to measure time only")
    build = Build(graph, _quants(graph, found, seen.ranges), seen.means)
    islands = _rewrite(build)
    build.graph.validate()
    return Quantized(build.graph, seen.samples, tuple(islands), tuple(warnings))


def _warnings(seen: Statistics) -> list[str]:
    if seen.samples < FEW_SAMPLES:
        return [f"only {seen.samples} calibration samples: use {FEW_SAMPLES} or more that look like what the device will see"]
    if not seen.growing:
        return []
    names = ", ".join(seen.growing[:3]) + (f" and {len(seen.growing) - 3} more" if len(seen.growing) > 3 else "")
    return [f"the last fifth of the samples still widened the range of {names} by more than 5 %: use more samples"]


def _annotated(graph: Graph) -> bool:
    return any(graph.tensors[o].quant is not None for n in graph.nodes for o in n.outputs)


def _refuse_per_channel(graph: Graph) -> None:
    bad = [n for n in activations(graph) if (q := graph.tensors[n].quant) is not None and q.scale.size != 1]
    if bad:
        problems = tuple(f"{name}: {graph.tensors[name].quant.scale.size} scales" for name in bad)  # type: ignore[union-attr]
        hint = "integer sums cannot factor scales of input channels out: quantize activations per tensor in the source"
        raise UnsupportedError(f"activations quantized per channel: {', '.join(problems)}", hint, problems)


def _quants(graph: Graph, found: list[Group], ranges: dict[Group, Affine]) -> dict[str, Affine]:
    """By tensor; what has neither a stated quantization nor samples is absent and stays float."""
    quants = {}
    for group in found:
        shared = group.known or ranges.get(group)
        for name in group.members:
            stated = graph.tensors[name].quant
            chosen = of(stated) if stated is not None else shared
            if chosen is not None and not keeps_float(name):
                quants[name] = chosen
    return quants


def _rewrite(build: Build) -> list[Island]:
    graph, quants, islands = build.source, build.quants, []
    for edge in graph.inputs:
        build.add_input(edge, _only_float(graph, quants, edge))
    for node in graph.nodes:
        if not any(graph.tensors[o].is_real for o in (*node.inputs, *node.outputs)):
            _keep(build, node)
            continue
        reason = _try_rule(build, node, quants)
        if reason is not None:
            _island(build, node)
            islands.append(Island(node.name, node.op, reason))
    for edge in graph.outputs:
        build.add_output(edge)
    return islands


def _only_float(graph: Graph, quants: dict[str, Affine], edge: Edge) -> bool:
    """An input that no int8 operator reads stays float32."""
    if edge.tensor not in quants:
        return True
    readers = graph.consumers(edge.tensor)
    return edge.dtype == "f32" and bool(readers) and all(rules.find(n.op) is None for n in readers)


def _try_rule(build: Build, node: Node, quants: dict[str, Affine]) -> str | None:
    """None where the node became int8, else why not."""
    rule = rules.find(node.op)
    if rule is None:
        return f"{node.op} has no int8 form"
    floats = [n for n in (*node.inputs, *node.outputs) if build.tensor(n).dtype == "f32" and build.tensor(n).data is None]
    missing = [n for n in floats if n not in quants]
    if missing:
        unknown = "has no quantization in the source, and there are no calibration samples"
        return f"{missing[0]} {'is normalised in float' if keeps_float(missing[0]) else unknown}"
    try:
        rule(build, node)
    except NoRuleError as e:
        return str(e)
    return None


def _keep(build: Build, node: Node) -> None:
    for name in node.outputs:
        build.same(name)
    build.emit(node.op, node.name, [build.same(name) for name in node.inputs], node.outputs[0], node.attrs)


def _island(build: Build, node: Node) -> None:
    inputs = [build.f32(name) if build.tensor(name).is_real else build.same(name) for name in node.inputs]
    name = node.outputs[0]
    output = build.output_f32(name) if build.tensor(name).dtype == "f32" else build.same(name)
    build.emit(node.op, node.name, inputs, output, node.attrs)

"""A float graph becomes an int8 graph: choose one quantization for every activation, then rewrite node by node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeq_host.errors import UnsupportedError, UsageError
from edgeq_host.export.body import short_name
from edgeq_host.graph import Array, Edge, Graph, Node
from edgeq_host.quant import binarize, methods, rules, signs
from edgeq_host.quant.affine import LEVELS, WIDE_LEVELS, Affine, narrowed, of
from edgeq_host.quant.build import Build, NoRuleError
from edgeq_host.quant.calibrate import Statistics, calibrate
from edgeq_host.quant.constraints import Group, activations, groups
from edgeq_host.quant.precision import NESTED, Precision
from edgeq_host.quant.preprocess import keeps_float, prepare
from edgeq_host.quant.seen import Collector
from edgeq_host.quant.weights import source_bits
from edgeq_host.quant.widths import Width, Widths, widths
from edgeq_host.units import counted

if TYPE_CHECKING:
    from edgeq_host.quant.nested import Planes
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
    """Whether calibration would decide anything: a range that the source does not state, or weights that a step chooses by it."""
    graph, made = prepare(graph, recipe), [p for p in recipe.precisions if p.weights is not None]
    if made and any(g.known is None for g in groups(graph)):
        return True
    held, layers = signs.find(graph).held, [widths(graph, recipe, p).layers for p in made]
    return any(binarize.wanting(graph, of, held) or _collecting(graph, recipe, of, ("means", "moments")) for of in layers)


def _collecting(graph: Graph, recipe: Recipe, layers: dict[str, Width], what: tuple[str, ...]) -> list[Node]:
    """The layers of which a step wants to see samples; weights that the source gives as integers, and no wider, stay as they are."""
    steps = [(s.method, methods.options(s.method, s.options)) for s in recipe.in_force(True)]
    widest = max((given.max_bits for method, given in steps if methods.collects(method) in what), default=0)
    found = [(n, NESTED if layers[n.outputs[0]].nested else layers[n.outputs[0]].kind) for n in graph.nodes if n.outputs[0] in layers]
    return [n for n, kind in found if kind is not None and kind.bits <= widest and (source_bits(graph, n) or widest + 1) > kind.bits]


def quantize(graph: Graph, samples: Iterable[list[Array]] | None, recipe: Recipe) -> Graph:
    """The integer graph. samples: one list of arrays per sample, as the inputs of prepare(graph, recipe) have them."""
    return quantize_reported(graph, samples, recipe).graph


def quantize_reported(
    graph: Graph,
    samples: Iterable[list[Array]] | None,
    recipe: Recipe,
    isas: int | None = None,
    precision: Precision | None = None,
    dry: bool = False,
    nest: dict[str, Planes] | None = None,
) -> Quantized:
    """The same with what a user should know. precision: one of the recipe's, where it has several. isas: instruction sets for
    calibration; every choice gives the same graph. Samples that can be gone through but once are kept in memory.
    dry: weights are placeholders: everything has its size, and no more. nest: nested weights, by output tensor, that another variant has
    chosen, and where this one leaves its own.
    """
    precision = precision or _only(recipe)
    graph = prepare(graph, recipe)
    _refuse_per_channel(graph)
    again = list(samples) if isinstance(samples, Iterator) else samples
    graph, chosen, untrained = _with_signs(graph, recipe, precision, again, isas)
    held = signs.find(graph).held
    levels = {g: _levels(graph, chosen, g, held) for g in groups(graph)}
    open_groups = {g: n for g, n in levels.items() if g.known is None}
    seen, notes = Statistics(), [*untrained, *chosen.notes]
    seeing = _collecting(graph, recipe, chosen.layers, ("means", "moments"))
    if again is not None and (open_groups or seeing):
        seen = calibrate(graph, open_groups, again, recipe, isas)
    elif open_groups and not _annotated(graph):
        raise UsageError("a float model needs calibration samples", "give --calibration DATA, or --calibration random to measure time only")
    elif seeing:
        notes += _without_samples(recipe, precision)
    build = Build(graph, _quants(graph, {g: n[0] for g, n in levels.items()}, seen.ranges), seen.means)
    build.wide_quants = _quants(graph, {g: n[1] for g, n in levels.items() if len(n) > 1}, seen.ranges)
    build.layers, build.made_wide = chosen.layers, chosen.wide
    build.steps = tuple((s.method, methods.options(s.method, s.options)) for s in recipe.in_force(again is not None))
    build.dry, build.nest = dry, {} if nest is None else nest
    if again is not None:
        build.collector = Collector(build, again, _collecting(graph, recipe, chosen.layers, ("moments",)), isas)
    islands = _rewrite(build)
    build.graph.validate()
    return Quantized(build.graph, seen.samples, tuple(islands), (*_warnings(seen), *notes, *_few_rows(build)))


def _with_signs(
    graph: Graph, recipe: Recipe, precision: Precision, samples: Iterable[list[Array]] | None, isas: int | None
) -> tuple[Graph, Widths, list[str]]:
    """The graph with signs before the layers that shall read them, how wide everything is in it, and what is to be said of that."""
    chosen = widths(graph, recipe, precision)
    layers = binarize.wanting(graph, chosen.layers, signs.find(graph).held)
    if not layers:
        return graph, chosen, []
    if samples is None:
        raise UsageError(f"{precision.name}: activations of 1 bit need calibration samples", "give --calibration DATA")
    graph = binarize.binarized(graph, layers, samples, isas)
    where = f"in {counted(len(layers), 'layer')} of {precision.name}"
    found = f"{where} signs are read that the network was not trained with, which costs most of its accuracy"
    return graph, widths(graph, recipe, precision), [f"{found}: train it with signs (docs/quantize.md), or take activations of 8 bits"]


def _levels(graph: Graph, chosen: Widths, group: Group, held: Mapping[str, float]) -> tuple[int, ...]:
    """Of the int8 form of a group's tensors, and of their int16 form where one of them has it."""
    narrow = max(LEVELS if name in held else chosen.levels.get(name, LEVELS) for name in group.members)
    users = [n for name in group.members for n in (graph.producer(name), *graph.consumers(name)) if n is not None]
    wide = any(name in chosen.wide for name in (*group.members, *(n.outputs[0] for n in users)))
    return (narrow, WIDE_LEVELS) if wide else (narrow,)


def _only(recipe: Recipe) -> Precision:
    if len(recipe.precisions) == 1 and recipe.precisions[0].weights is not None:
        return recipe.precisions[0]
    raise UsageError(f"quantize makes one precision, the recipe asks for {recipe.precision}", "give one, such as precision = 'int8'")


def _without_samples(recipe: Recipe, precision: Precision) -> list[str]:
    """UsageError where the recipe names a step that needs samples; a default one is left out, which is said."""
    left_out = [s.method for s in recipe.in_force(True) if methods.collects(s.method)]
    if recipe.nested:
        raise UsageError(
            "nested weights need calibration samples, which correct the biases", "give --calibration DATA, or leave --nested out"
        )
    if recipe.step is not None:
        raise UsageError(f"step {left_out[0]!r} needs calibration samples", "give --calibration DATA, or leave the step out")
    return [f"{precision.name} without calibration samples leaves out {' and '.join(left_out)}: give --calibration DATA"]


def _warnings(seen: Statistics) -> list[str]:
    if not seen.samples:
        return []
    if seen.samples < FEW_SAMPLES:
        return [f"only {counted(seen.samples, 'calibration sample')}: use {FEW_SAMPLES} or more that look like what the device will see"]
    if not seen.growing:
        return []
    names = ", ".join(seen.growing[:3]) + (f" and {len(seen.growing) - 3} more" if len(seen.growing) > 3 else "")
    return [f"the last fifth of the samples still widened the range of {names} by more than 5 %: use more samples"]


def _few_rows(build: Build) -> list[str]:
    few = {} if build.collector is None else build.collector.few
    if not few:
        return []
    name, (rows, columns) = next(iter(few.items()))
    shown = f"{short_name(name)} has {columns} inputs, and the samples {counted(rows, 'row')} of them"
    found = f"gptq fits the samples in {counted(len(few), 'layer')}: {shown}"
    return [f"{found}: use more samples, damping = 0.3, or leave the step out"]


def _annotated(graph: Graph) -> bool:
    """Whether the source quantizes activations; signs alone say nothing of others."""
    return any(graph.tensors[o].quant is not None for n in graph.nodes if n.op != "sign_f32" for o in n.outputs)


def _refuse_per_channel(graph: Graph) -> None:
    bad = [n for n in activations(graph) if (q := graph.tensors[n].quant) is not None and q.scale.size != 1]
    if bad:
        problems = tuple(f"{name}: {graph.tensors[name].quant.scale.size} scales" for name in bad)  # type: ignore[union-attr]
        hint = "integer sums cannot factor scales of input channels out: quantize activations per tensor in the source"
        raise UnsupportedError(f"activations quantized per channel: {', '.join(problems)}", hint, problems)


def _quants(graph: Graph, levels: dict[Group, int], ranges: dict[tuple[Group, int], Affine]) -> dict[str, Affine]:
    """By tensor; what has neither a stated quantization nor samples is absent and stays float."""
    quants = {}
    for group, count in levels.items():
        for name in group.members:
            stated = graph.tensors[name].quant
            known = of(stated) if stated is not None else group.known
            chosen = ranges.get((group, count)) if known is None else narrowed(known, count)
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
    if build.width(node).kind is None:
        return "the recipe asks for it"
    floats = [n for n in (*node.inputs, *node.outputs) if build.tensor(n).dtype == "f32" and build.tensor(n).data is None]
    missing = [n for n in floats if n not in quants and not build.signs.unquantized(n)]
    if missing:
        unknown = "has no quantization in the source, and there are no calibration samples"
        return f"{missing[0]} {'is normalised in float' if keeps_float(missing[0]) else unknown}"
    build.wide = node.outputs[0] in build.made_wide
    try:
        rule(build, node)
    except NoRuleError as e:
        return str(e)
    finally:
        build.wide = False
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

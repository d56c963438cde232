"""How wide everything is: weights of every layer, activations between them, from a recipe and one of its precisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from edgeq_host.errors import UsageError
from edgeq_host.export.body import short_name
from edgeq_host.graph import Graph, Node, Tensor
from edgeq_host.quant import ends, signs, window
from edgeq_host.quant.precision import ACTIVATIONS, BYTE, GROUP_BITS, NESTED, WEIGHTS, WIDE, Kind, Precision, parse
from edgeq_host.quant.signs import Signs
from edgeq_host.quant.wide import made_wide, without_form
from edgeq_host.units import counted

if TYPE_CHECKING:
    from edgeq_host.recipe import Layer, Recipe

_SHOWN = 3  # names in a note
_ELSEWHERE = "write match so that it leaves this layer out"
_DEPTHWISE = WEIGHTS["4"]  # in place of narrower weights than depthwise kernels take


@dataclass(frozen=True)
class Width:
    """Of one layer. kind: None: it computes in float32. group: inputs that share a multiplier; 0: none. activations: bits of its input.
    nested: its int8 and int4 are made of the same planes."""

    kind: Kind | None
    group: int
    activations: int
    nested: bool = False

    @property
    def reads_signs(self) -> bool:
        return self.kind is not None and self.activations == 1


INT8 = Width(WEIGHTS["8"], 0, BYTE)


@dataclass(frozen=True)
class Widths:
    """layers: by output tensor. levels: of every float activation as int8; wide: those that are made as int16."""

    layers: dict[str, Width]
    levels: dict[str, int]
    wide: frozenset[str]
    notes: tuple[str, ...]


def widths(graph: Graph, recipe: Recipe, precision: Precision) -> Widths:
    """UsageError where a [[layer]] fits no layer of the graph, or asks for what its operator does not have."""
    layers = [n for n in graph.nodes if ends.is_layer(graph, n)]
    found_signs = signs.find(graph)
    found = _of_layers(graph, layers, recipe, precision, found_signs)
    said: tuple[str, ...] = ()
    if recipe.nested:
        variants = [_of_layers(graph, layers, recipe, p, found_signs) for p in recipe.precisions]
        nested = [n for n in layers if _nests(graph, n, [v[n.outputs[0]] for v in variants], found_signs)]
        found |= {n.outputs[0]: replace(found[n.outputs[0]], nested=True) for n in nested}
        said = () if nested else ("no layer has nested weights: none is int8 in one variant and has 4 bits in the other",)
    of_layers = {n.outputs[0]: _is_wide(found[n.outputs[0]], n, found_signs) for n in layers}
    wide = made_wide(graph, of_layers, precision.activations == WIDE)
    said += tuple(_without_width(graph, layers, found, recipe, precision))
    notes = (*_notes(graph, layers, found, wide, precision, found_signs), *_without_groups(graph, layers, found, recipe, precision), *said)
    return Widths(found, _levels(graph, found), wide, notes)


def _of_layers(graph: Graph, layers: list[Node], recipe: Recipe, precision: Precision, found_signs: Signs) -> dict[str, Width]:
    """By output tensor."""
    int8 = ends.of(graph) if recipe.int8_ends else set()
    found = {n.outputs[0]: _default(graph, n, recipe, precision, n.outputs[0] in int8, found_signs) for n in layers}
    for table in recipe.layer:
        for node in _matches(table, layers):
            if table.variant in ("", precision.name):
                found[node.outputs[0]] = _asked(graph, node, table, found[node.outputs[0]], found_signs)
                _refuse_groups(graph, node, table, found[node.outputs[0]], recipe, node.outputs[0] in int8)
    return found


def _nests(graph: Graph, node: Node, variants: list[Width], found: Signs) -> bool:
    """Whether a layer, of these widths, has int8 weights in one variant and 4 bits in the other; not where its source has 4 bits."""
    weight = graph.tensors[node.inputs[1]]
    if {w.kind for w in variants} != {WEIGHTS["8"], NESTED} or any(w.activations != BYTE for w in variants):
        return False
    if any(w.group for w in variants):
        raise UsageError(f"{short_name(node.name)} has groups, and nested weights have none", "leave out group, or nested")
    given = weight.quant is not None and not _loses(weight, NESTED)
    return not given and node.inputs[0] not in found.held and not found.unquantized(node.outputs[0])


def _is_wide(width: Width, node: Node, found: Signs) -> bool:
    """Whether a layer computes in int16: not where it reads signs, or a sign alone reads it."""
    return (
        width.kind is not None and width.activations == WIDE and node.inputs[0] not in found.held and not found.unquantized(node.outputs[0])
    )


def _default(graph: Graph, node: Node, recipe: Recipe, precision: Precision, end: bool, held: Signs) -> Width:
    kind = precision.weights
    if end:
        return replace(INT8, activations=max(BYTE, precision.activations)) if kind is not None else INT8
    if _too_narrow(node, kind):
        kind = _DEPTHWISE
    width = Width(kind, recipe.group, precision.activations)
    if _no_signs(node, width, held):
        width = replace(width, activations=BYTE)
    return width if _no_groups(graph, node, width) is None else replace(width, group=0)


def _asked(graph: Graph, node: Node, table: Layer, width: Width, held: Signs) -> Width:
    """What a [[layer]] says of a node, of which it must not ask too much."""
    if table.precision:
        precision = parse(table.precision)
        width = Width(precision.weights, width.group, precision.activations)
    if width.kind is not None and _too_narrow(node, width.kind):
        found = f"[[layer]] match = {table.match!r} gives {short_name(node.name)} weights of {counted(width.kind.bits, 'bit')}"
        raise UsageError(f"{found}: depthwise convolutions store {_DEPTHWISE.bits} at least", f"precision = 'w{_DEPTHWISE.bits}a8'")
    if _no_signs(node, width, held):
        asked = f"[[layer]] match = {table.match!r} gives {short_name(node.name)} activations of 1 bit"
        names = "depthwise and transposed convolutions, those in groups and products without a bias"
        raise UsageError(f"{asked}: {names} read 2 at least", f"precision = '{_of_bytes(parse(table.precision))}'")
    if table.group is not None:
        width = replace(width, group=table.group)
    return width if _no_groups(graph, node, width) is None or table.group else replace(width, group=0)


def _refuse_groups(graph: Graph, node: Node, table: Layer, width: Width, recipe: Recipe, end: bool) -> None:
    """UsageError where a [[layer]] asks for groups that a layer of this width does not have."""
    reason, hint = _no_groups(graph, node, width), "leave group out"
    if not table.group or reason is None:
        return
    narrow_is_elsewhere = width.kind == WEIGHTS["8"] and width.activations != WIDE and not table.precision
    if recipe.nested and narrow_is_elsewhere:
        reason, hint = "nested weights have none", "leave group out, or nested"
    elif end and narrow_is_elsewhere:
        reason, hint = f"first and last layers are int8 (int8_ends), and {reason}", f"{_ELSEWHERE}, or int8_ends = false"
    elif len(recipe.precisions) > 1 and narrow_is_elsewhere and not table.variant:
        reason, hint = f"in one of the precisions it is int8, and {reason}", "say for which of them with variant = ..."
    found = f"[[layer]] match = {table.match!r}: {short_name(node.name)} has no groups of {table.group}"
    raise UsageError(f"{found}: {reason}", hint)


def _too_narrow(node: Node, kind: Kind | None) -> bool:
    return kind is not None and node.op == "depthwise_conv2d_f32" and kind.dtype not in ("s8", _DEPTHWISE.dtype)


def _no_signs(node: Node, width: Width, held: Signs) -> bool:
    """Whether a layer shall read signs, and cannot."""
    return width.reads_signs and not signs.takes_signs(node) and node.inputs[0] not in held.held


def _of_bytes(precision: Precision) -> str:
    """The precision of these weights and activations of 8 bits."""
    return precision.name.split("a")[0] + "a8" if precision.name != "binary" else "w1a8"


def _no_groups(graph: Graph, node: Node, width: Width) -> str | None:
    """Why a layer has no groups, or None."""
    if width.activations == WIDE:
        return f"it reads activations of {WIDE} bits"
    if width.kind is None or not 1 < width.kind.bits <= GROUP_BITS:
        return f"weights of 2 to {GROUP_BITS} bits have them"
    if node.op == "depthwise_conv2d_f32":
        return "it is a depthwise convolution"
    inputs = window.depth(graph, node)
    return f"it has {inputs} inputs" if width.group and inputs <= width.group else None


# [[layer]] tables.


def _matches(table: Layer, layers: list[Node]) -> list[Node]:
    found = [n for n in layers if any(name == table.match or fnmatchcase(name, table.match) for name in (n.name, short_name(n.name)))]
    if not found:
        names = sorted({short_name(n.name) for n in layers})
        near = get_close_matches(table.match, names, 3, 0.4) or names[:3]
        raise UsageError(
            f"[[layer]] match = {table.match!r}: the model has no such layer", f"it has {len(names)}, among them: {', '.join(near)}"
        )
    return found


def _notes(
    graph: Graph, layers: list[Node], found: dict[str, Width], wide: frozenset[str], precision: Precision, held: Signs
) -> Iterator[str]:
    kinds = {n.outputs[0]: found[n.outputs[0]].kind for n in layers}
    raised = [n for n in layers if _too_narrow(n, precision.weights) and kinds[n.outputs[0]] == _DEPTHWISE]
    if raised:
        yield f"in {_layers(raised, precision)} weights have {_DEPTHWISE.bits} bits, the narrowest of depthwise convolutions"
    bytes_read = [n for n in layers if precision.activations == 1 and not signs.takes_signs(n) and not found[n.outputs[0]].reads_signs]
    if bytes_read:
        reason = "depthwise and transposed convolutions, and those in groups, have no products of signs"
        yield f"in {_layers(bytes_read, precision)} int8 is read: {reason}"
    unpacked = [n for n in layers if found[n.outputs[0]].reads_signs and (kind := kinds[n.outputs[0]]) is not None and not kind.signs]
    if unpacked:
        yield (
            f"in {_layers(unpacked, precision)} signs are multiplied as int8 is, which takes longer than a8: "
            "only weights of 1 bit meet signs in kernels of their own"
        )
    grouped = [n for n in layers if n.inputs[0] in held.held and signs.groups(n) > 1]
    if grouped:
        yield f"in {_layers(grouped, precision)} signs are multiplied as int8 is: convolutions in groups have no kernel of signs"
    again = [n for n in layers if _loses(graph.tensors[n.inputs[1]], kinds[n.outputs[0]])]
    if again:
        yield f"in {_layers(again, precision)} weights are made from those that the source has quantized: a float source loses less"
    narrow = [n for n in without_form(graph, wide) if n.outputs[0] not in found]
    if narrow:
        names = ", ".join(f"{short_name(n.name)} ({n.op.removesuffix('_f32')})" for n in narrow[:_SHOWN])
        more = f" and {len(narrow) - _SHOWN} more" if len(narrow) > _SHOWN else ""
        yield f"{names}{more} between int16 activations: there is no int16 form, so int8 is made of them there"


def _layers(layers: list[Node], precision: Precision) -> str:
    return f"{counted(len(layers), 'layer')} of {precision.name}"


def _without_width(graph: Graph, layers: list[Node], found: dict[str, Width], recipe: Recipe, precision: Precision) -> Iterator[str]:
    """Where no layer has what the name of a variant says."""
    kind = precision.weights
    if not layers and kind == WEIGHTS["8"] and precision.activations == BYTE:  # int8 is what remains where nothing is asked for
        return
    if kind is None or any((w := found[n.outputs[0]]).kind == kind and w.activations == precision.activations for n in layers):
        return
    int8 = ends.of(graph) if recipe.int8_ends else set()
    reason = "; see [[layer]] and the notes" if layers else ": the model has no layers with weights"
    if layers and all(n.outputs[0] in int8 for n in layers):
        reason = ": all are first or last layers, which are int8 (--no-int8-ends makes them narrow)"
    yield f"no layer of {precision.name} has the width of that name{reason}"


def _without_groups(graph: Graph, layers: list[Node], found: dict[str, Width], recipe: Recipe, precision: Precision) -> Iterator[str]:
    """Where groups are asked for and narrow weights have none."""
    kind = precision.weights
    if not recipe.group or kind is None or any(found[n.outputs[0]].group for n in layers):
        return
    if kind.bits > GROUP_BITS >= min(k.bits for k in recipe.kinds):
        return  # another variant, or a [[layer]], has them
    narrow = [n for n in layers if found[n.outputs[0]].kind == kind and kind.bits <= GROUP_BITS]
    if not narrow:
        yield f"no layer of {precision.name} has groups of {recipe.group}: weights of 2 to {GROUP_BITS} bits have them"
    for node in narrow:
        reason = _no_groups(graph, node, replace(found[node.outputs[0]], group=recipe.group))
        if reason:  # not where a [[layer]] says 0
            yield f"no layer of {precision.name} has groups of {recipe.group}: {short_name(node.name)}: {reason}"
            return


def _loses(weight: Tensor, kind: Kind | None) -> bool:
    """Whether integers of the source are more than a kind has."""
    if kind is None or kind.bits == 8 or weight.quant is None or weight.data is None:
        return False
    return bool(np.any(weight.data.clip(kind.low, kind.high) != weight.data))


# Activations.


def _levels(graph: Graph, layers: dict[str, Width]) -> dict[str, int]:
    """An activation is as wide as the layers want it that read it, directly or through other operators; inputs and outputs are bytes."""
    bits = {e.tensor: BYTE for e in (*graph.outputs, *graph.inputs)}
    for node in reversed(graph.nodes):
        width = layers.get(node.outputs[0])
        wanted = bits.get(node.outputs[0], BYTE) if width is None else _read(width)
        for name in node.inputs[:1] if width else node.inputs:
            bits[name] = max(bits.get(name, 0), wanted)
    return {name: ACTIVATIONS[b] for name, b in bits.items() if graph.tensors[name].dtype == "f32"}


def _read(width: Width) -> int:
    """Bits of the int8 activation that a layer reads; one of which signs are made has all."""
    return BYTE if width.kind is None or width.activations == 1 else min(width.activations, BYTE)

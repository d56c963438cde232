"""A transpose passes through a reshape that keeps its groups of dimensions, or goes into the weights beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeq_host.graph import Array, Node, Quant
from edgeq_host.passes.perm import Perm, apply, attrs_of, inverse, perm_of, same_meaning, source_of
from edgeq_host.passes.rewriter import Rewriter
from edgeq_host.passes.sink import ELEMENTWISE

Group = tuple[list[int], list[int]]
"""Dimensions of the input and of the output of a reshape that hold the same elements."""


def below_elementwise(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """f(reshape(x)) to reshape(f(x)): f then stands beside what it can fuse with."""
    if node.op not in ELEMENTWISE and not _by_single_constants(rewriter, node):
        return None
    before = rewriter.maker(node.inputs[0], "reshape")
    if before is None or not same_meaning(rewriter, before.inputs[0], node.inputs[0]):
        return None
    x, out = before.inputs[0], node.outputs[0]
    held = rewriter.tensor(out)
    made = rewriter.new(out, rewriter.shape(x), quant=held.quant)
    changed = replace(node, inputs=(x, *node.inputs[1:]), outputs=(made,))
    return [changed, Node("reshape", f"{node.name}/reshape", (made,), (out,), {})]


def _by_single_constants(rewriter: Rewriter, node: Node) -> bool:
    """A sign whose threshold is the same for all elements, where something computes what is reshaped."""
    if node.op != "sign_f32" or not all((held := rewriter.constant(i)) is not None and held.shape == (1,) for i in node.inputs[1:]):
        return False
    before = rewriter.maker(node.inputs[0], "reshape")
    return before is not None and rewriter.maker(before.inputs[0]) is not None


def sink_transpose(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """reshape(transpose(x)) to transpose(reshape(x)), where every group of dimensions stays together."""
    found = source_of(rewriter, node.inputs[0]) if node.op == "reshape" else None
    if found is None:
        return None
    x, perm = found
    out = node.outputs[0]
    old = rewriter.shape(node.inputs[0])
    order = _group_order(groups(old, rewriter.shape(out)), old, perm)
    if not order:
        return None
    return _reshape_then_transpose(rewriter, node, x, order)


def _reshape_then_transpose(rewriter: Rewriter, node: Node, x: str, order: list[int]) -> list[Node]:
    out = node.outputs[0]
    then = tuple(int(i) for i in np.argsort(order))
    move = rewriter.moved("reshape", x, apply(tuple(order), rewriter.shape(out)), {})
    return [move, Node("transpose", node.name, move.outputs, (out,), attrs_of(then))]


def split_transpose(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """reshape(transpose(x)) before another transpose (a shuffle of channels): what happens inside the groups of dimensions stays before
    the reshape, the order of the groups goes behind it and meets the other one."""
    found = source_of(rewriter, node.inputs[0]) if node.op == "reshape" else None
    if found is None or not any(r.op == "transpose" for r in rewriter.readers.get(node.outputs[0], ())):
        return None
    x, perm = found
    pairs = groups(rewriter.shape(node.inputs[0]), rewriter.shape(node.outputs[0]))
    placed = sorted(([perm[i] for i in left], right) for left, right in pairs)
    inner = tuple(place for left, _ in placed for place in left)
    order = [dim for _, right in placed for dim in right]
    if inner == perm or sorted(inner) != list(range(len(perm))) or len(order) != len(rewriter.shape(node.outputs[0])):
        return None
    if inner == tuple(range(len(perm))) or order == sorted(order):
        return None
    first = rewriter.moved("transpose", x, apply(inner, rewriter.shape(x)), attrs_of(inner))
    return [first, *_reshape_then_transpose(rewriter, node, first.outputs[0], order)]


def groups(old: Sequence[int], new: Sequence[int]) -> list[Group]:
    """The smallest groups of consecutive dimensions of equal products. Dimensions of 1 join the group before them."""
    found: list[Group] = []
    i = j = 0
    while i < len(old) and j < len(new):
        first_i, first_j = i, j
        a, b = old[i], new[j]
        i, j = i + 1, j + 1
        while a != b:
            if a < b:
                a, i = a * old[i], i + 1
            else:
                b, j = b * new[j], j + 1
        i, j = _after_ones(old, i), _after_ones(new, j)
        found.append((list(range(first_i, i)), list(range(first_j, j))))
    return found


def _after_ones(dims: Sequence[int], i: int) -> int:
    while i < len(dims) and dims[i] == 1:
        i += 1
    return i


def _group_order(found: list[Group], old: Sequence[int], perm: Perm) -> list[int] | None:
    """Output dimensions in the order in which x holds their groups; None where a group's elements do not lie in one run of x."""
    size = dict(zip(perm, old, strict=True))  # by dimension of x
    placed: list[tuple[int, list[int]]] = []
    for left, right in found:
        places = [perm[i] for i in left if old[i] != 1] or [perm[left[0]]]
        between = range(places[0] + 1, places[-1])
        if places != sorted(places) or any(size[p] != 1 and p not in places for p in between):
            return None
        placed.append((places[0], right))
    return [dim for _, right in sorted(placed) for dim in right]


def into_weights(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """fc(reshape(transpose(x))) to fc(reshape(x)) with the columns of the weight permuted."""
    if node.op != "fully_connected_f32":
        return None
    shaped = rewriter.maker(node.inputs[0], "reshape")
    found = source_of(rewriter, shaped.inputs[0]) if shaped else None
    weight = rewriter.constant(node.inputs[1])
    if shaped is None or found is None or weight is None or not same_meaning(rewriter, *shaped.inputs, *shaped.outputs):
        return None
    x, perm = found
    columns = _column_order(rewriter.shape(x), perm, weight.shape[1])
    if columns is None:
        return None
    assert weight.data is not None
    move = rewriter.moved("reshape", x, rewriter.shape(node.inputs[0]), {})
    permuted = rewriter.new_constant(weight.name, weight.data[:, columns], weight.quant)
    return [move, replace(node, inputs=(move.outputs[0], permuted, node.inputs[2]))]


def _column_order(dims: tuple[int, ...], perm: Perm, columns: int) -> Array | None:
    """Where column k of the rows of x lies among the columns of the rows of transposed x; None where rows get mixed."""
    first = 0
    rows = math.prod(dims) // columns
    while first < len(dims) and math.prod(dims[:first]) < rows:
        first += 1
    while first < len(dims) and dims[first] == 1 and perm[first] == first:
        first += 1
    if math.prod(dims[:first]) != rows or perm[:first] != tuple(range(first)):
        return None
    index = np.arange(columns).reshape(apply(perm[first:], [0] * first + list(dims[first:])))
    return index.transpose([perm[first:].index(i) for i in range(first, len(dims))]).reshape(-1)


def out_of_weights(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """transpose(reshape(fc(x))) to reshape(fc(x)) with the rows of the weight and of the bias permuted."""
    if node.op != "transpose":
        return None
    shaped = rewriter.maker(node.inputs[0], "reshape")
    dense = rewriter.maker(shaped.inputs[0], "fully_connected_f32") if shaped else None
    if shaped is None or dense is None or not all(rewriter.sole_reader(n) for n in (shaped.inputs[0], shaped.outputs[0])):
        return None
    weight, bias = rewriter.constant(dense.inputs[1]), rewriter.constant(dense.inputs[2])
    out = node.outputs[0]
    same = same_meaning(rewriter, shaped.inputs[0], shaped.outputs[0]) and same_meaning(rewriter, shaped.outputs[0], out)
    if weight is None or bias is None or not same or weight.data is None or bias.data is None:
        return None
    rows = _column_order(apply(perm_of(rewriter, node), rewriter.shape(node.inputs[0])), inverse(perm_of(rewriter, node)), weight.shape[0])
    if rows is None:
        return None
    w = rewriter.new_constant(weight.name, weight.data[rows], _taken(weight.quant, rows))
    b = rewriter.new_constant(bias.name, bias.data[rows], _taken(bias.quant, rows))
    made = rewriter.new(dense.outputs[0], rewriter.shape(dense.outputs[0]), quant=rewriter.tensor(dense.outputs[0]).quant)
    return [replace(dense, inputs=(dense.inputs[0], w, b), outputs=(made,)), Node("reshape", node.name, (made,), (out,), {})]


def _taken(quant: Quant | None, rows: Array) -> Quant | None:
    """A quantization per row, in the new order of rows."""
    if quant is None or quant.axis is None:
        return quant
    return replace(quant, scale=quant.scale[rows], zero=quant.zero[rows])

"""Transposes move towards the outputs: op(transpose(x)) becomes transpose(op(x)), until two of them meet and cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgeq_host.graph import Attrs, Node
from edgeq_host.passes.perm import Perm, apply, attrs_of, inverse, moves_nothing, pad_fields, source_of, transposed
from edgeq_host.passes.rewriter import Rewriter

ELEMENTWISE = frozenset(
    ("clip_f32", "leaky_relu_f32", "sigmoid_f32", "tanh_f32", "hard_swish_f32", "hard_sigmoid_f32", "quantize_f32", "cast")
)
BINARY = frozenset(("add_f32", "sub_f32", "mul_f32", "div_f32", "min_f32", "max_f32", "pow_f32", "prelu_f32", "sign_f32"))


def sink(rewriter: Rewriter, node: Node) -> list[Node] | None:
    if node.op in ELEMENTWISE:
        return _one_input(rewriter, node, lambda perm: node.attrs)
    if node.op in BINARY:
        return _binary(rewriter, node)
    if node.op in _PERMUTED:
        return _one_input(rewriter, node, lambda perm: _PERMUTED[node.op](node.attrs, perm))
    if node.op == "expand" and len(rewriter.shape(node.inputs[0])) == len(rewriter.shape(node.outputs[0])):
        return _one_input(rewriter, node, lambda perm: node.attrs)
    if node.op in ("softmax_f32", "fully_connected_f32"):
        return _one_input(rewriter, node, lambda perm: node.attrs if perm[-1] == len(perm) - 1 else None)
    if node.op == "concat":
        return _concat(rewriter, node)
    return None


def _slice(attrs: Attrs, perm: Perm) -> Attrs:
    inv = inverse(perm)
    return {"begin": pad_fields(apply(inv, attrs["begin"]), 0), "step": pad_fields(apply(inv, attrs["step"]), 1)}


def _pad(attrs: Attrs, perm: Perm) -> Attrs:
    inv = inverse(perm)
    return {**attrs, "before": pad_fields(apply(inv, attrs["before"]), 0), "after": pad_fields(apply(inv, attrs["after"]), 0)}


def _reduce(attrs: Attrs, perm: Perm) -> Attrs:
    return {**attrs, "axes": sum(1 << perm[i] for i in range(len(perm)) if attrs["axes"] >> i & 1)}


_PERMUTED: dict[str, Callable[[Attrs, Perm], Attrs]] = {"slice": _slice, "pad": _pad, "reduce_f32": _reduce}
ANY_ORDER = ELEMENTWISE | BINARY | frozenset(_PERMUTED) | {"concat"}


def _one_input(rewriter: Rewriter, node: Node, attrs_for: Callable[[Perm], Attrs | None]) -> list[Node] | None:
    """op(transpose(x), constants..) to transpose(op(x, constants..))."""
    found = source_of(rewriter, node.inputs[0])
    if found is None:
        return None
    x, perm = found
    attrs = attrs_for(perm)
    return None if attrs is None else _before(rewriter, node, perm, (x, *node.inputs[1:]), attrs)


def _before(rewriter: Rewriter, node: Node, perm: Perm, inputs: tuple[str, ...], attrs: Attrs) -> list[Node]:
    """The node over `inputs`, and after it the transpose that makes the node's own output."""
    out = node.outputs[0]
    held = rewriter.tensor(out)
    made = rewriter.new(out, apply(inverse(perm), held.shape), quant=held.quant)
    return [
        replace(node, inputs=inputs, outputs=(made,), attrs=attrs),
        Node("transpose", f"{node.name}/transpose", (made,), (out,), attrs_of(perm)),
    ]


def _binary(rewriter: Rewriter, node: Node) -> list[Node] | None:
    rank = len(rewriter.shape(node.outputs[0]))
    for name in node.inputs:
        found = source_of(rewriter, name)
        if found is None or len(found[1]) != rank:
            continue
        perm = found[1]
        sources = [_before_perm(rewriter, other, perm) for other in node.inputs]
        if all(sources):
            new: list[Node] = [extra for s in sources if s for extra in s[1]]
            return new + _before(rewriter, node, perm, tuple(s[0] for s in sources if s), node.attrs)
    return None


def _before_perm(rewriter: Rewriter, name: str, perm: Perm) -> tuple[str, list[Node]] | None:
    """A tensor which transposed by perm is `name`, and the nodes that make it; None where that would cost a transpose."""
    found = source_of(rewriter, name)
    if found is not None and found[1] == perm:
        return found[0], []
    tensor = rewriter.tensor(name)
    shape = (1,) * (len(perm) - len(tensor.shape)) + tensor.shape
    inv = inverse(perm)
    if tensor.data is not None:
        lifted = replace(tensor, shape=shape, data=tensor.data.reshape(shape))
        if tensor.quant is not None and tensor.quant.axis is not None:
            lifted = replace(lifted, quant=replace(tensor.quant, axis=tensor.quant.axis + len(shape) - len(tensor.shape)))
        data, quant = transposed(lifted, inv)
        return rewriter.new_constant(name, data, quant), []
    if moves_nothing(inv, shape):
        move = rewriter.moved("reshape", name, apply(inv, shape), {})
        return move.outputs[0], [move]
    return None


def _concat(rewriter: Rewriter, node: Node) -> list[Node] | None:
    found = next((f for f in (source_of(rewriter, name) for name in node.inputs) if f), None)
    if found is None:
        return None
    perm = found[1]
    sources = [_before_perm(rewriter, name, perm) for name in node.inputs]
    if not all(sources):
        return None
    extra = [n for s in sources if s for n in s[1]]
    return extra + _before(rewriter, node, perm, tuple(s[0] for s in sources if s), {"axis": perm[node.attrs["axis"]]})

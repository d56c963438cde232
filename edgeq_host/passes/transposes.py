"""Transposes that meet are one; those that move nothing are a reshape; reshapes that meet are one; no-ops are nothing."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.passes.perm import attrs_of, compose, moves_nothing, perm_of, same_meaning, source_of
from edgeq_host.passes.rewriter import Rewriter


def merge(rewriter: Rewriter, node: Node) -> list[Node] | None:
    if node.op == "transpose":
        return _transpose(rewriter, node)
    if node.op == "reshape":
        return _reshape(rewriter, node)
    return None


def _transpose(rewriter: Rewriter, node: Node) -> list[Node] | None:
    perm = perm_of(rewriter, node)
    x, out = node.inputs[0], node.outputs[0]
    found = source_of(rewriter, x)
    if found is not None:
        perm = compose(found[1], perm)
        return [Node("transpose", node.name, (found[0],), (out,), attrs_of(perm))]
    if moves_nothing(perm, rewriter.shape(x)):
        return [Node("reshape", node.name, (x,), (out,), {})]
    return None


def _reshape(rewriter: Rewriter, node: Node) -> list[Node] | None:
    x, out = node.inputs[0], node.outputs[0]
    before = rewriter.maker(x, "reshape")
    if before is not None and same_meaning(rewriter, before.inputs[0], x):
        return [Node("reshape", node.name, before.inputs, (out,), {})]
    if rewriter.shape(x) == rewriter.shape(out) and same_meaning(rewriter, x, out):
        rewriter.rename(out, x)
        return []
    return None


def share(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """The second of two equal transposes or reshapes is the first."""
    if node.op not in ("transpose", "reshape"):
        return None
    for other in rewriter.readers[node.inputs[0]]:
        twin = other is not node and other.op == node.op and other.attrs == node.attrs and other.outputs[0] in rewriter.made
        if twin and rewriter.shape(other.outputs[0]) == rewriter.shape(node.outputs[0]):
            if not same_meaning(rewriter, other.outputs[0], node.outputs[0]):
                continue
            rewriter.rename(node.outputs[0], other.outputs[0])
            return []
    return None


def spread_quant(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """A mover whose one side has a scale of the source gives it to the other side: the elements are the same."""
    if node.op not in ("transpose", "reshape"):
        return None
    x, out = node.inputs[0], node.outputs[0]
    a, b = rewriter.tensor(x), rewriter.tensor(out)
    if a.quant is None and b.quant is not None and a.data is None and rewriter.sole_reader(x):
        rewriter.retyped(x, quant=b.quant)
        return [node]
    if a.quant is not None and b.quant is None and a.data is None:
        rewriter.retyped(out, quant=a.quant)
        return [node]
    return None

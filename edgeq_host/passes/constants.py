"""Nodes over constants are computed now, by the reference operators."""

from __future__ import annotations

import math

import numpy as np

from edgeq_host.graph import Array, Node, Quant
from edgeq_host.passes.perm import perm_of, transposed
from edgeq_host.passes.rewriter import Rewriter
from edgeq_runtime.ops import run

_MAX_ELEMENTS = 1 << 24


def fold(rewriter: Rewriter, node: Node) -> list[Node] | None:
    out = rewriter.tensor(node.outputs[0])
    if any(rewriter.constant(i) is None for i in node.inputs) or math.prod(out.shape) > _MAX_ELEMENTS or out.quant is not None:
        return None
    data, quant = _moved(rewriter, node) or _computed(rewriter, node)
    rewriter.retyped(out.name, data=data, quant=quant)
    return []


def _moved(rewriter: Rewriter, node: Node) -> tuple[Array, Quant | None] | None:
    """Transposes, and reshapes of what is not quantized per channel, keep the integers of a quantized constant."""
    x = rewriter.tensor(node.inputs[0])
    assert x.data is not None
    if node.op == "transpose":
        return transposed(x, perm_of(rewriter, node))
    if node.op == "reshape" and (x.quant is None or x.quant.axis is None):
        return x.data.reshape(rewriter.shape(node.outputs[0])), x.quant
    return None


def _computed(rewriter: Rewriter, node: Node) -> tuple[Array, None]:
    held = [rewriter.tensor(i) for i in node.inputs]
    inputs = [t.real() if t.quant is not None or t.dtype == "f32" else np.asarray(t.data) for t in held]
    out = rewriter.tensor(node.outputs[0])
    return np.asarray(run(node.op, node.attrs, inputs, out.shape, out.dtype)), None

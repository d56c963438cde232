"""Operators that change nothing disappear."""

from __future__ import annotations

import math

import numpy as np

from edgeq_host.graph import Node
from edgeq_host.passes.perm import perm_of, same_meaning
from edgeq_host.passes.rewriter import Rewriter

_NEUTRAL = {"add_f32": 0.0, "sub_f32": 0.0, "mul_f32": 1.0, "div_f32": 1.0, "pow_f32": 1.0}
_EITHER_SIDE = frozenset(("add_f32", "mul_f32"))


def remove(rewriter: Rewriter, node: Node) -> list[Node] | None:
    kept = _kept_input(rewriter, node)
    if kept is None or rewriter.shape(kept) != rewriter.shape(node.outputs[0]):
        return None
    out = rewriter.tensor(node.outputs[0])
    held = rewriter.tensor(kept)
    if held.quant is None and out.quant is not None and held.data is None and rewriter.sole_reader(kept):
        rewriter.retyped(kept, quant=out.quant)
    elif not (same_meaning(rewriter, kept, out.name) or out.quant is None) or held.dtype != out.dtype:
        return None
    rewriter.rename(out.name, kept)
    return []


def _kept_input(rewriter: Rewriter, node: Node) -> str | None:
    """The input that the node hands on as it is."""
    x = node.inputs[0]
    if node.op in _NEUTRAL:
        return _neutral_operand(rewriter, node)
    if node.op == "clip_f32":
        return x if math.isinf(node.attrs["lo"]) and math.isinf(node.attrs["hi"]) and node.attrs["lo"] < 0 < node.attrs["hi"] else None
    if node.op == "pad":
        return x if not any(node.attrs["before"]) and not any(node.attrs["after"]) else None
    if node.op == "slice":
        return x if not any(node.attrs["begin"]) and all(s == 1 for s in node.attrs["step"]) else None
    if node.op == "transpose":
        perm = perm_of(rewriter, node)
        return x if perm == tuple(range(len(perm))) else None
    if node.op == "concat":
        return x if len(node.inputs) == 1 else None
    if node.op in ("max_pool2d_f32", "avg_pool2d_f32"):
        return x if _one_tap(node) else None
    return x if node.op in ("expand", "cast") else None


def _one_tap(node: Node) -> bool:
    a = node.attrs
    free = math.isinf(a["lo"]) and math.isinf(a["hi"])
    single = a["kernel_h"] == a["kernel_w"] == a["stride_h"] == a["stride_w"] == 1
    return free and single and not any(a[p] for p in a if p.startswith("pad_"))


def _neutral_operand(rewriter: Rewriter, node: Node) -> str | None:
    """The other operand of a constant that changes nothing, where no clamp follows."""
    if not (math.isinf(node.attrs.get("lo", -math.inf)) and math.isinf(node.attrs.get("hi", math.inf))):
        return None
    for i in (1, 0) if node.op in _EITHER_SIDE else (1,):
        constant = rewriter.constant(node.inputs[i])
        if constant is not None and np.all(constant.real() == _NEUTRAL[node.op]):
            return node.inputs[1 - i]
    return None

"""What a network that was trained with signs leaves behind them: other values for the two, estimators that straighten a gradient, and
weights of one magnitude a channel."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from edgeq_host.graph import Node, Quant, signs_quant
from edgeq_host.passes.rewriter import Rewriter
from edgeq_host.passes.scale_fusion import unbounded

_MOVERS = frozenset(("reshape", "transpose", "slice", "expand", "max_pool2d_f32"))
_LAYERS = frozenset(("conv2d_f32", "fully_connected_f32"))  # with the output channels of their weights on axis 0


def scaled(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """sign(x) a + b for numbers a and b, as of (x >= 0) * 2 - 1: the same sign with other values."""
    if node.op not in ("mul_f32", "add_f32", "sub_f32") or not unbounded(node.attrs) or rewriter.tensor(node.outputs[0]).quant is not None:
        return None
    for side in (0, 1):
        sign, number = rewriter.maker(node.inputs[side], "sign_f32"), _number(rewriter, node.inputs[1 - side])
        if sign is None or number is None or not rewriter.sole_reader(node.inputs[side]):
            continue
        if rewriter.shape(node.outputs[0]) != rewriter.shape(sign.outputs[0]):
            continue
        return _with_values(rewriter, node, sign, *(_linear(node.op, side, sign.attrs[key], number) for key in ("plus", "minus")))
    return None


def _number(rewriter: Rewriter, name: str) -> float | None:
    constant = rewriter.constant(name)
    if constant is None or constant.quant is not None or constant.data is None or constant.data.size != 1:
        return None
    value = float(constant.data.reshape(-1)[0])
    return value if np.isfinite(value) else None


def _linear(op: str, side: int, value: float, number: float) -> float:
    """In float32, as the operator computes it."""
    a, b = Fraction(value), Fraction(number)
    exact = a * b if op == "mul_f32" else a + b if op == "add_f32" else a - b if side == 0 else b - a
    return float(np.float32(float(exact)))


def _with_values(rewriter: Rewriter, node: Node, sign: Node, plus: float, minus: float) -> list[Node] | None:
    made = signs_quant(max(plus, minus), min(plus, minus))
    if plus == minus or not (np.isfinite(plus) and np.isfinite(minus)) or (made is None and rewriter.tensor(sign.outputs[0]).quant):
        return None
    x, t, *turn = sign.inputs
    if plus < minus:
        held = rewriter.constant(turn[0]) if turn else rewriter.constant(t)
        if held is None or held.data is None:
            return None
        turn = [rewriter.new_constant(t, np.asarray(-held.data if turn else np.full(held.shape, -1), np.float32))]
        plus, minus = minus, plus
    rewriter.retyped(node.outputs[0], quant=made)
    return [Node("sign_f32", node.name, (x, t, *turn), node.outputs, {"plus": plus, "minus": minus})]


def straightened(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """v + (sign(x) - v), a straight-through estimator, is the sign; v may be x, a clip of it, or anything else."""
    if node.op != "add_f32" or not unbounded(node.attrs) or rewriter.tensor(node.outputs[0]).quant is not None:
        return None
    for side in (0, 1):
        gap = rewriter.maker(node.inputs[side], "sub_f32")
        if gap is None or not unbounded(gap.attrs) or rewriter.maker(gap.inputs[0], "sign_f32") is None:
            continue
        if _same(rewriter, gap.inputs[1], node.inputs[1 - side]) and rewriter.shape(gap.inputs[0]) == rewriter.shape(node.outputs[0]):
            rewriter.rename(node.outputs[0], gap.inputs[0])
            return []
    return None


def _same(rewriter: Rewriter, a: str, b: str) -> bool:
    """Whether two tensors are one, or made of one by the same operator."""
    if a == b:
        return True
    first, second = rewriter.maker(a), rewriter.maker(b)
    return first is not None and second is not None and (first.op, first.inputs, first.attrs) == (second.op, second.inputs, second.attrs)


def weights(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """Weights of one magnitude a channel, behind signs, are signs with a scale: what a source says that quantizes them."""
    if node.op not in _LAYERS or not _of_signs(rewriter, node.inputs[0]):
        return None
    held = rewriter.constant(node.inputs[1])
    if held is None or held.data is None or held.quant is not None:
        return None
    rows = np.abs(held.data.reshape(len(held.data), -1))
    scale = rows[:, 0].astype(np.float64)
    if rows.shape[1] < 2 or np.any(rows != rows[:, :1]) or not (np.isfinite(scale).all() and (scale > 0).all()):
        return None
    quant = Quant(scale, np.zeros(scale.shape, np.int64), 0)
    name = rewriter.new(held.name, held.shape, quant=quant, dtype="s8", data=np.where(held.data > 0, 1, -1).astype(np.int8))
    return [replace(node, inputs=(node.inputs[0], name, *node.inputs[2:]))]


def _of_signs(rewriter: Rewriter, name: str) -> bool:
    """Whether a tensor holds the values s and -s alone."""
    while (maker := rewriter.maker(name)) is not None and maker.op in _MOVERS:
        name = maker.inputs[0]
    return maker is not None and maker.op == "sign_f32" and rewriter.tensor(name).quant is not None

"""What stands before a sign becomes its threshold, in exact arithmetic; a sign goes before a pooling of maxima."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np

from edgeq_host.graph import Array, Node, Tensor
from edgeq_host.passes.perm import same_meaning
from edgeq_host.passes.rewriter import Rewriter
from edgeq_host.passes.scale_fusion import per_channel
from edgeq_host.thresholds import above, clamped, lowest_float, scaled

_LINEAR = frozenset(("add_f32", "sub_f32", "mul_f32", "div_f32"))
_CLAMP = "clamp"

Step = tuple[str, int, Array, Array]
"""_CLAMP, 0, lo, hi; or an operator, the side on which x stands, and twice its constant. One entry for each channel."""


def before(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """The sign of x in place of sign(x a + b), sign(clip(x)) and chains of them."""
    if node.op != "sign_f32":
        return None
    x, shape = node.inputs[0], rewriter.shape(node.inputs[0])
    channels = shape[-1] if shape else 1
    own = [_last_axis(rewriter, name, channels) for name in node.inputs[1:]]
    steps: list[Step] = []
    while (found := _step(rewriter, x, channels)) is not None:
        x = found[0]
        steps += found[1]
    if not steps or any(v is None for v in own):
        return None
    t, turn = own[0], own[1] if len(own) > 1 else np.ones(1)
    columns = np.stack([np.broadcast_to(v, (channels,)) for v in (t, turn, *(v for s in steps for v in s[2:])) if v is not None])
    columns = columns[:, :1] if np.all(columns == columns[:, :1]) else columns
    kinds = tuple(s[:2] for s in steps)
    return [_with(rewriter, node, x, [_threshold(kinds, *map(float, column)) for column in columns.T])]


def _last_axis(rewriter: Rewriter, name: str, channels: int) -> Array | None:
    """A constant with one entry, or one for every entry of the last axis."""
    tensor = rewriter.constant(name)
    if tensor is None or tensor.data is None or tensor.data.size not in (1, channels) or tensor.data.size != (tensor.shape or (1,))[-1]:
        return None
    return tensor.data.reshape(-1)


def _step(rewriter: Rewriter, x: str, channels: int) -> tuple[str, list[Step]] | None:
    """What the maker of x does to its one input, the last first; None where the sign cannot look through it."""
    maker = rewriter.maker(x)
    if maker is None or not rewriter.absorbable(x) or maker.op not in (*_LINEAR, "clip_f32"):
        return None
    lo, hi = np.full(1, maker.attrs["lo"]), np.full(1, maker.attrs["hi"])
    steps: list[Step] = [] if lo == -math.inf and hi == math.inf else [(_CLAMP, 0, lo, hi)]
    if maker.op == "clip_f32":
        return maker.inputs[0], steps
    for side in (0, 1):
        constant = per_channel(rewriter, maker, 1 - side, channels)
        if constant is None or not np.isfinite(constant).all() or (maker.op == "div_f32" and (side == 1 or not constant.all())):
            continue
        return maker.inputs[side], [*steps, (maker.op, side, constant, constant)]
    return None


@cache
def _threshold(kinds: tuple[tuple[str, int], ...], t: float, turn: float, *values: float) -> tuple[np.float32, int]:
    """The threshold of the first input of a chain, and -1 where the channel is turned round."""
    holds, sign = above(t), 1
    for (op, side), a, b in zip(kinds, values[::2], values[1::2], strict=True):
        holds, sign = (clamped(holds, a, b), sign) if op == _CLAMP else scaled(holds, sign, *_scale_shift(op, side, Fraction(a)))
    return lowest_float(holds), -sign if turn < 0 else sign


def _scale_shift(op: str, side: int, c: Fraction) -> tuple[Fraction, Fraction]:
    if op == "add_f32":
        return Fraction(1), c
    if op == "sub_f32":
        return (Fraction(1), -c) if side == 0 else (Fraction(-1), c)
    return (c if op == "mul_f32" else 1 / c), Fraction(0)


def _with(rewriter: Rewriter, node: Node, x: str, found: list[tuple[np.float32, int]]) -> Node:
    t = rewriter.new_constant(node.inputs[1], np.array([t for t, _ in found], np.float32))
    turns = np.array([turn for _, turn in found], np.float32)
    turned = (rewriter.new_constant(node.inputs[1], turns),) if np.any(turns < 0) else ()
    return replace(node, inputs=(x, t, *turned))


def before_reshape(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """sign(reshape(x)) to reshape(sign(x)), where something computes x and every entry of its last axis has one threshold. The same of
    additions and multiplications that lead to a sign."""
    if node.op != "sign_f32" and not (node.op in _LINEAR and _leads_to_sign(rewriter, node)):
        return None
    shaped = next((name for name in node.inputs if rewriter.constant(name) is None), "")
    reshape = rewriter.maker(shaped, "reshape") if shaped else None
    if reshape is None or rewriter.maker(reshape.inputs[0]) is None or not same_meaning(rewriter, reshape.inputs[0], shaped):
        return None
    x, out = reshape.inputs[0], rewriter.tensor(node.outputs[0])
    columns = {name: _columns(rewriter.constant(name), out.shape, rewriter.shape(x)) for name in node.inputs if name != shaped}
    if rewriter.shape(shaped) != out.shape or any(column is None for column in columns.values()):
        return None
    made = rewriter.new(out.name, rewriter.shape(x), quant=out.quant)
    names = {name: rewriter.new_constant(name, np.asarray(column, np.float32)) for name, column in columns.items()} | {shaped: x}
    changed = replace(node, inputs=tuple(names[name] for name in node.inputs), outputs=(made,))
    return [changed, Node("reshape", f"{node.name}/reshape", (made,), node.outputs, {})]


def _leads_to_sign(rewriter: Rewriter, node: Node) -> bool:
    """Whether a sign is all that reads a node's output, perhaps through constants that are added or multiplied."""
    while node.op in _LINEAR and rewriter.sole_reader(node.outputs[0]):
        node = rewriter.readers[node.outputs[0]][0]
    return node.op == "sign_f32"


def _columns(held: Tensor | None, shape: tuple[int, ...], inner: tuple[int, ...]) -> Array | None:
    """A constant beside a tensor of `shape` as one number for each entry of the last axis of `inner`, its shape before."""
    if held is None or held.data is None or held.quant is not None:
        return None
    channels = inner[-1] if inner else 1
    if held.data.size == 1:
        return np.broadcast_to(held.data.reshape(-1), (channels,))
    rows = np.broadcast_to(held.data, shape).reshape(-1, channels)
    return rows[0] if np.all(rows == rows[0]) else None


def before_pooling(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """The sign of a maximum is the maximum of signs, which are bits; channels that are turned round are so behind the pooling."""
    pool = rewriter.maker(node.inputs[0], "max_pool2d_f32") if node.op == "sign_f32" else None
    if pool is None or not rewriter.absorbable(node.inputs[0]) or not _whole(pool) or node.attrs["plus"] <= node.attrs["minus"]:
        return None
    out = rewriter.tensor(node.outputs[0])
    if out.quant is None or any(rewriter.constant(name) is None for name in node.inputs[1:]):
        return None
    signs = rewriter.new(out.name, rewriter.shape(pool.inputs[0]), quant=out.quant)
    first = replace(node, name=signs, inputs=(pool.inputs[0], node.inputs[1]), outputs=(signs,))
    if len(node.inputs) < 3:
        return [first, replace(pool, inputs=(signs,), outputs=node.outputs)]
    largest = rewriter.new(out.name, out.shape, quant=out.quant)
    turned = rewriter.constant(node.inputs[2])
    assert turned is not None
    zero = rewriter.new_constant(node.inputs[1], np.zeros(turned.shape, np.float32))
    again = replace(node, inputs=(largest, zero, node.inputs[2]))
    return [first, replace(pool, inputs=(signs,), outputs=(largest,)), again]


def _whole(pool: Node) -> bool:
    """No bounds, and every window has a tap inside the image."""
    a = pool.attrs
    free = a["lo"] == -math.inf and a["hi"] == math.inf and a["dilation_h"] == a["dilation_w"] == 1
    return bool(free and max(a["pad_top"], a["pad_bottom"]) < a["kernel_h"] and max(a["pad_left"], a["pad_right"]) < a["kernel_w"])

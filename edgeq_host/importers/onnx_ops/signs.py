"""Signs, activations of two values: BipolarQuant, Sign, and comparisons with a constant that Where or Cast turns into numbers.

A comparison makes no tensor: it is a value of the import, which only these rules read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Array, signs_quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.values import Act, Comparison, Norm
from edgeq_host.thresholds import lowest_float, norm

_HOW = "torch.where(x >= 0, 1.0, -1.0) and its like are possible: a comparison with a constant that chooses one of two numbers"
_AT_ZERO = "Sign: 0 counts as +1, as edgeq's signs have two values; ONNX and torch.sign give 0 there"
_LINED = frozenset(("reshape", "transpose", "max_pool2d_f32", "avg_pool2d_f32", "concat", "slice", "expand", "resize_nearest"))


def sign(op: Op) -> None:
    """0 becomes +1, which is said. Where no value lies below 0, ONNX gives 0 and 1, which is something else."""
    x = op.tensor(0)
    low = _lowest(op, x)
    if low >= 0:
        found = f"reads values that are clipped to {low:g} and above, of which it makes 0 and 1, never -1"
        raise Refusal(found, "take the sign of what is in front of the clip (ReLU), or write torch.where(x > 0, 1.0, -1.0)")
    op.builder.remark(_AT_ZERO)
    op.done(emit(op, _read(op, 0, np.float32(0), 1), 1.0, -1.0))


def _lowest(op: Op, name: str) -> float:
    """The least value that a clip in front of a tensor leaves, through what moves or pools values."""
    made = {node.outputs[0]: node for node in op.builder.graph.nodes}
    while name in made and made[name].op in _LINED:
        name = made[name].inputs[0]
    return float(made[name].attrs["lo"]) if name in made and made[name].op == "clip_f32" else -np.inf


def compare(strict: bool, upwards: bool) -> Callable[[Op], None]:
    """x > c, x >= c, x < c, x <= c, with the constant on either side."""

    def rule(op: Op) -> None:
        side = 0 if op.is_const(1) else 1
        if not op.is_const(1 - side):
            raise Refusal("compares two activations", _HOW)
        other = op.const(1 - side, "the other side")
        c, up = np.float32(_number(other, op.shape(side), "compares with")), upwards == (side == 0)
        above = up != strict  # it is x >= c or its contrary, else x > c, which is x >= the next number
        threshold = c if above else np.nextafter(c, np.float32(np.inf))
        op.values[op.output] = _read(op, side, threshold, 1 if up else -1)

    return rule


def _number(data: Array, shape: tuple[int, ...], does: str) -> float:
    """The one finite number that a constant holds; it must not widen a tensor of this shape."""
    if data.dtype.kind != "f" or data.size == 0 or not np.isfinite(data).all() or np.any(data != data.reshape(-1)[0]):
        raise Refusal(f"{does} something else than one finite number", _HOW)
    if data.ndim > len(shape) or np.broadcast_shapes(data.shape, shape) != shape:
        raise Refusal(f"a constant of shape {list(data.shape)} widens its input of {list(shape)}", _HOW)
    return float(data.reshape(-1)[0])


def negate(op: Op) -> None:
    """Not."""
    found = op.comparison(0)
    if found is None:
        raise Refusal("its input is no comparison with a constant", _HOW)
    op.values[op.output] = Comparison(found.x, found.tensors, -found.turn)


def where(op: Op) -> None:
    found = op.comparison(0)
    if found is None or not (op.is_const(1) and op.is_const(2)):
        raise Refusal("chooses between tensors", _HOW)
    plus, minus = (_number(op.const(i, "a number to choose"), found.shape, "chooses") for i in (1, 2))
    op.done(emit(op, found, plus, minus))


def emit(op: Op, found: Comparison, plus: float, minus: float) -> str:
    """plus where the comparison holds, minus elsewhere."""
    turn = found.turn if plus >= minus else -found.turn
    t, *turns = found.tensors
    if turn < 0:
        turns = [-turns[0] if turns else np.full(t.shape, -1, np.float32)]
    constants = [op.constant(data, role) for data, role in zip((t, *turns), ("threshold", "turn"), strict=False)]
    attrs = {"plus": max(plus, minus), "minus": min(plus, minus)}
    return op.emit("sign_f32", [found.x.tensor, *constants], found.shape, attrs, quant=signs_quant(**attrs))


def bipolar(op: Op, scale: float) -> str:
    """scale where input 0 is at least 0, -scale elsewhere."""
    return emit(op, _read(op, 0, np.float32(0), 1), scale, -scale)


def _read(op: Op, i: int, threshold: np.float32, turn: int) -> Comparison:
    """Input i compared. Where only this node reads a batch norm, with 0, it is that of the tensor before it, in exact arithmetic."""
    x = op.value(i)
    assert isinstance(x, Act)
    name = op.tensor(i)
    tensors: tuple[Array, ...] = (np.full(1, threshold, np.float32),)
    if x.norm is not None and threshold == 0 and op.uses[op.node.input[i]] == 1:
        name, tensors = x.norm.tensor, tuple(_of_norm(x.norm, len(x.shape)))
    return Comparison(Act(name, x.shape), tensors, turn)


def _of_norm(found: Norm, rank: int) -> Iterator[NDArray[np.float32]]:
    """Thresholds by channel, axis 1, and where a channel is turned round, the signs that say so."""
    if not all(np.isfinite(v).all() for v in found.constants):
        raise Refusal("the batch norm before it holds values that are not finite", "check the source model")
    rows = (tuple(map(Fraction, map(float, row))) for row in zip(*found.constants, strict=True))
    pairs = [norm(gamma, beta, mean, variance + found.epsilon) for gamma, beta, mean, variance in rows]
    shape = (len(pairs), *[1] * (rank - 2))
    yield np.array([lowest_float(holds) for holds, _ in pairs], np.float32).reshape(shape)
    if any(turn < 0 for _, turn in pairs):
        yield np.array([turn for _, turn in pairs], np.float32).reshape(shape)

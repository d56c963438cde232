"""Operators of two or more broadcast operands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq_host.graph import Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op


def binary(operator: str) -> Callable[[Op], None]:
    def rule(op: Op) -> None:
        op.done(combine(op, operator, _operand(op, 0), _operand(op, 1)))

    return rule


def combine(op: Op, operator: str, a: str, b: str, *, role: str = "", quant: Quant | None = None) -> str:
    shape = np.broadcast_shapes(op.builder.shape(a), op.builder.shape(b))
    return op.emit(operator, [a, b], shape, role=role, quant=quant)


def _operand(op: Op, i: int) -> str:
    if op.opset < 7 and op.attr("broadcast", 0):
        raise Refusal("broadcasts by the rules before opset 7", "convert the model to opset 13 with onnx.version_converter")
    return op.tensor(i)


def variadic(operator: str) -> Callable[[Op], None]:
    def rule(op: Op) -> None:
        op.done(_chain(op, operator))

    return rule


def _chain(op: Op, operator: str) -> str:
    y = op.tensor(0)
    for i in range(1, op.count):
        last = i == op.count - 1
        y = combine(op, operator, y, op.tensor(i), role="" if last else f"part{i}")
    return y


def mean(op: Op) -> None:
    y = _chain(op, "add_f32")
    if op.count > 1:
        y = op.emit("div_f32", [y, op.scalar_constant(op.count, "count")], op.builder.shape(y), role="mean")
    op.done(y)


def power(op: Op) -> None:
    """x ** 2 is a product: exact, and a table of two operands less for int8."""
    if op.is_const(1):
        exponent = op.const(1, "the exponent")
        if exponent.size == 1 and len(exponent.shape) <= len(op.shape(0)):
            value = float(exponent.reshape(-1)[0])
            x = op.tensor(0)
            y = op.constant(np.full(1, value, np.float32), "exponent")
            op.done(combine(op, "mul_f32", x, x) if value == 2 else op.emit("pow_f32", [x, y], op.builder.shape(x)))
            return
    op.done(combine(op, "pow_f32", op.tensor(0), op.tensor(1)))


def square_root(op: Op) -> None:
    x = op.tensor(0)
    op.done(op.emit("pow_f32", [x, op.scalar_constant(0.5, "half")], op.builder.shape(x)))


def negate(op: Op) -> None:
    x = op.tensor(0)
    op.done(op.emit("mul_f32", [x, op.scalar_constant(-1.0, "minus")], op.builder.shape(x)))


def absolute(op: Op) -> None:
    """|x| = max(x, -x)."""
    x = op.tensor(0)
    minus = op.emit("mul_f32", [x, op.scalar_constant(-1.0, "minus")], op.builder.shape(x), role="negated")
    op.done(combine(op, "max_f32", x, minus))


def reciprocal(op: Op) -> None:
    x = op.tensor(0)
    op.done(op.emit("div_f32", [op.scalar_constant(1.0, "one"), x], op.builder.shape(x)))

"""Gemm and MatMul: a fully-connected layer where the second operand is constant, else a matrix product."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.conv import bias_of, remark_scales
from edgeq_host.importers.onnx_ops.values import Const


def gemm(op: Op) -> None:
    a, b = op.tensor(0), op.value(1)
    if len(op.shape(0)) != 2 or len(b.shape) != 2:
        raise Refusal(f"operands {list(op.shape(0))} and {list(b.shape)} are not matrices")
    if op.attr("transA", 0):
        a = op.transpose(a, (1, 0), "a")
    alpha, beta = float(op.attr("alpha", 1.0)), float(op.attr("beta", 1.0))
    if isinstance(b, Const):
        w = b if op.attr("transB", 0) else b.transposed((1, 0))
        y, left = _dense(op, a, w, alpha, beta)
    else:
        y, left = _product(op, a, alpha), op.has(2)
    op.done(_plus(op, y, beta) if left else y)


def _dense(op: Op, a: str, w: Const, alpha: float, beta: float) -> tuple[str, bool]:
    """x w' as a fully-connected layer; the flag says that input 2 is left to be added."""
    outputs = w.shape[0]
    row = op.is_const(2) and op.held(2, "C").data.size == outputs and op.shape(2)[-1:] == (outputs,)
    one = op.is_const(2) and op.held(2, "C").data.size == 1
    bias: Const | None = None
    if row or one:
        bias = op.held(2, "C")
        bias = bias if row else Const(np.full(outputs, bias.real().reshape(()), np.float32))
        if beta != 1.0:
            bias = Const(np.asarray(bias.real() * np.float32(beta), np.float32))
    if alpha != 1.0:
        w = Const(np.asarray(w.real() * np.float32(alpha), np.float32))
    return fully_connected(op, a, w, bias, None), op.has(2) and bias is None


def fully_connected(op: Op, x: str, w: Const, bias: Const | None, quant: Quant | None) -> str:
    """w is [outputs, inputs]."""
    dims = op.builder.shape(x)
    if dims[-1] != w.shape[1]:
        raise Refusal(f"an input of {list(dims)} does not fit weights of {list(w.shape)}")
    remark_scales(op, w)
    weight = op.builder.constant(f"{op.output}/w", w.data, w.quant)
    return op.emit("fully_connected_f32", [x, weight, bias_of(op, bias, w.shape[0])], (*dims[:-1], w.shape[0]), quant=quant)


def _product(op: Op, a: str, alpha: float) -> str:
    b = op.tensor(1)
    if op.attr("transB", 0):
        b = op.transpose(b, (1, 0), "b")
    m, n = op.builder.shape(a)[0], op.builder.shape(b)[1]
    if op.builder.shape(a)[1] != op.builder.shape(b)[0]:
        raise Refusal(f"operands {list(op.shape(0))} and {list(op.shape(1))} do not fit")
    y = op.emit("matmul_f32", [a, b], (m, n))
    return y if alpha == 1.0 else op.emit("mul_f32", [y, op.scalar_constant(alpha, "alpha")], (m, n), role="scaled")


def _plus(op: Op, y: str, beta: float) -> str:
    c = op.tensor(2)
    if beta != 1.0:
        c = op.emit("mul_f32", [c, op.scalar_constant(beta, "beta")], op.builder.shape(c), role="c")
    return op.emit("add_f32", [y, c], op.builder.shape(y), role="plus")


def matmul(op: Op) -> None:
    b = op.value(1)
    if isinstance(b, Const) and len(b.shape) == 2 and len(op.shape(0)) >= 1:
        op.done(matmul_dense(op, op.tensor(0), b, None))
        return
    op.done(product(op, op.tensor(0), op.tensor(1), None))


def matmul_dense(op: Op, x: str, b: Const, quant: Quant | None) -> str:
    """x times the constant matrix b [inputs, outputs]."""
    vector = len(op.builder.shape(x)) == 1
    x = op.reshape(x, (1, *op.builder.shape(x)), "row") if vector else x
    y = fully_connected(op, x, b.transposed((1, 0)), None, quant)
    return op.reshape(y, op.builder.shape(y)[1:], "vector") if vector else y


def product(op: Op, a: str, b: str, quant: Quant | None) -> str:
    """numpy's matmul: vectors are rows on the left and columns on the right, batch dimensions broadcast."""
    shape_a, shape_b = op.builder.shape(a), op.builder.shape(b)
    if not shape_a or not shape_b:
        raise Refusal("an operand is a scalar")
    if len(shape_a) == 1:
        a = op.reshape(a, (1, *shape_a), "row")
    if len(shape_b) == 1:
        b = op.reshape(b, (*shape_b, 1), "column")
    left, right = op.builder.shape(a), op.builder.shape(b)
    if left[-1] != right[-2]:
        raise Refusal(f"operands {list(shape_a)} and {list(shape_b)} do not fit")
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    y = op.emit("matmul_f32", [a, b], (*batch, left[-2], right[-1]), quant=quant)
    rows = (left[-2],) if len(shape_a) > 1 else ()
    columns = (right[-1],) if len(shape_b) > 1 else ()
    return op.reshape(y, (*batch, *rows, *columns), "vector")

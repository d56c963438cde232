"""Tables of non-linear functions: every int8 input, or every 128th int16 one, through the float operator of the reference, the same on
every machine."""

from __future__ import annotations

import decimal

import numpy as np

from edgeq_host.graph import Array, Node
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build
from edgeq_runtime.ops import reference

_ALL = np.arange(-128, 128).astype(np.int8)
_POINTS = np.arange(513, dtype=np.int32) * 128 - 32768  # one beyond the last int16
_SOFTMAX_ONE = 1 << 23


def unary(build: Build, node: Node) -> None:
    """A function of one input: lookup."""
    x = _reals(build, node.inputs[0])
    _lookup(build, node, node.inputs[0], reference(node.op)(node.attrs, [x], x.shape))


def binary(build: Build, node: Node) -> None:
    """A function of two inputs: lookup2_s8, a table of 64 KiB; where one is a single constant, lookup."""
    reals = [_reals(build, name) for name in node.inputs]
    constants = [build.constant(name) for name in node.inputs]
    for i, value in enumerate(constants):
        varying = 1 - i
        if value is not None and value.size == 1 and build.tensor(node.inputs[varying]).shape == build.tensor(node.outputs[0]).shape:
            reals[i] = value.reshape(1)
            _lookup(build, node, node.inputs[varying], _values(node, reals[0], reals[1], reals[varying].shape))
            return
    y = build.affine(node.outputs[0])
    table = y.quantize(_values(node, reals[0][:, None], reals[1][None, :], (256, 256))).reshape(-1)
    inputs = [build.integers(name) for name in node.inputs] + [build.add_constant(f"{node.name}/table", table, "s8")]
    build.emit("lookup2_s8", node.name, inputs, build.output(node.outputs[0]))


def _reals(build: Build, name: str) -> Array:
    return build.affine(name).dequantize(_POINTS if build.wide else _ALL)


def _values(node: Node, a: Array, b: Array, shape: tuple[int, ...]) -> Array:
    with np.errstate(all="ignore"):
        return reference(node.op)(node.attrs, [a, b], shape)


def _lookup(build: Build, node: Node, name: str, values: Array) -> None:
    y = build.affine(node.outputs[0])
    table = build.add_constant(f"{node.name}/table", y.quantize(values), y.dtype)
    build.compute("lookup", node.name, [build.integers(name), table], build.output(node.outputs[0]), {})


def softmax(x: Affine) -> Array:
    """round(2^23 exp(-s_x d)) for d = 0..255. Decimal arithmetic: correctly rounded, so no machine's libm decides a bit."""
    with decimal.localcontext() as context:
        context.prec = 40
        scale = decimal.Decimal(x.scale)
        terms = [(-scale * d).exp(context) * _SOFTMAX_ONE for d in range(256)]
        whole = [int(t.to_integral_value(rounding=decimal.ROUND_HALF_EVEN)) for t in terms]
    return np.array(whole, np.uint32).view(np.int32)

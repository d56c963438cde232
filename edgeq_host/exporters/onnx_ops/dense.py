"""Convolutions, fully connected layers and products of matrices.

The file has no scales of weights: they follow from the multiplier of each channel, M = s_x s_w / s_y, and the scales of activations.
"""

from __future__ import annotations

import numpy as np

from edgeq_host.exporters.onnx_build import NCHW, Build, Refusal, factor, identity
from edgeq_host.exporters.onnx_ops._shared import product_scales
from edgeq_host.graph import Array, Node
from edgeq_runtime.ops._weights import Weights
from edgeq_runtime.ops._weights import weights as read_weights
from edgeq_runtime.rounding import unpack_rq

_ZERO = 2.0**-33  # stands for M where m is 0: |acc| < 2^31 makes less than half a step of it
_SMALLEST = float(np.finfo(np.float32).tiny)


def _weights(b: Build, node: Node, data: Array, axis: int, shape_axis: int | None = None) -> tuple[str, str]:
    """DQ of the int8 weights, whose scales run along `axis`, and of the int32 biases. Wider integers become float32."""
    held = [b.graph.tensors[name].data for name in node.inputs[1:]]
    bias, m, n = _counted(node, held).bias.astype(np.int32), *unpack_rq(_given(held[1]))[1:]
    x_scale, y_scale = b.affine(node.inputs[0])[0], b.affine(node.outputs[0])[0]
    scales = np.maximum(np.where(m == 0, _ZERO, factor(m, n)) * y_scale / x_scale, _SMALLEST).astype(np.float32)
    name, w = node.outputs[0], node.inputs[1]
    if data.dtype == np.int8:
        zeros = np.full(scales.shape, node.attrs["w_zero"], np.int8)
        names = [b.constant(data, w), b.constant(scales, f"{w}/scale"), b.constant(zeros, f"{w}/zero")]
        weights = b.node("DequantizeLinear", names, f"{w}/real", axis=axis)
    else:
        weights = b.constant(data.astype(np.float32) * np.expand_dims(scales, [i for i in range(data.ndim) if i != axis]), w)
    bias_scale = np.maximum(np.float32(x_scale) * scales, np.float32(_SMALLEST))
    parts = [
        b.constant(bias, f"{name}/bias"),
        b.constant(bias_scale, f"{name}/bias/scale"),
        b.constant(np.zeros(m.shape, np.int32), f"{name}/bias/zero"),
    ]
    return weights, b.node("DequantizeLinear", parts, f"{name}/bias/real", axis=0)


def _constant(b: Build, node: Node) -> Array:
    """The weights, int8; int32 where multipliers or a second plane make them count more than int8 can say."""
    held = [b.graph.tensors[name].data for name in node.inputs[1:]]
    if held[0] is None:
        raise Refusal("its weights are computed at run time")
    return np.asarray(held[0]) if len(held) == 2 else _counted(node, held).w.astype(np.int32)


def _counted(node: Node, held: list[Array | None]) -> Weights:
    """held: of the inputs from the second on."""
    return read_weights(node.attrs, [_given(None), *map(_given, held)])


def _given(data: Array | None) -> Array:
    return np.zeros(0) if data is None else np.asarray(data)


def _window(node: Node) -> dict[str, list[int]]:
    a = node.attrs
    return {"strides": [a["stride_h"], a["stride_w"]], "dilations": [a["dilation_h"], a["dilation_w"]]}


def _pads(node: Node) -> list[int]:
    return [node.attrs[f"pad_{side}"] for side in ("top", "left", "bottom", "right")]


def _conv(b: Build, node: Node, data: Array, groups: int) -> None:
    """data: [O, C / groups, KH, KW]."""
    weights, bias = _weights(b, node, data, 0)
    inputs = [b.real(node.inputs[0], NCHW), weights, bias]
    attrs = _window(node) | {"pads": _pads(node), "kernel_shape": list(data.shape[2:])}
    y = b.node("Conv", inputs, f"{node.outputs[0]}/real", group=groups, **attrs)
    b.write(node, y, NCHW, node.attrs["lo"], node.attrs["hi"])


def conv2d(b: Build, node: Node) -> None:
    _conv(b, node, _constant(b, node).transpose(0, 3, 1, 2), node.attrs["groups"])


def depthwise_conv2d(b: Build, node: Node) -> None:
    _conv(b, node, _constant(b, node).transpose(2, 0, 1)[:, None], b.shape(node.inputs[0])[3])


def transpose_conv2d(b: Build, node: Node) -> None:
    a, data = node.attrs, _constant(b, node)
    outs, kh, kw, ins = data.shape
    x, y = b.shape(node.inputs[0]), b.shape(node.outputs[0])
    weights, bias = _weights(b, node, data, 0)
    groups = a["groups"]
    # Scales run along the output channels of every group, which ConvTranspose does not have as one axis.
    split = b.reshaped(weights, (groups, outs // groups, kh, kw, ins))
    turned = b.node("Transpose", [split], f"{weights}/turned", perm=[0, 4, 1, 2, 3])
    kernel = b.reshaped(turned, (groups * ins, outs // groups, kh, kw))
    pads, more = [a["pad_top"], a["pad_left"]], []
    for axis, (side, size) in enumerate((("h", kh), ("w", kw))):
        rest = a[f"stride_{side}"] * (x[1 + axis] - 1) + (size - 1) * a[f"dilation_{side}"] + 1 - pads[axis] - y[1 + axis]
        pads.append(max(rest, 0))
        more.append(max(-rest, 0))
        if more[-1] >= max(a[f"stride_{side}"], a[f"dilation_{side}"]):
            raise Refusal(f"its output is {more[-1]} larger than its windows reach, which is not less than its stride")
    attrs = _window(node) | {"pads": pads, "output_padding": more, "kernel_shape": [kh, kw]}
    real = b.node("ConvTranspose", [b.real(node.inputs[0], NCHW), kernel, bias], f"{node.outputs[0]}/real", group=groups, **attrs)
    b.write(node, real, NCHW, a["lo"], a["hi"])


def fully_connected(b: Build, node: Node) -> None:
    data, shape = _constant(b, node), b.shape(node.outputs[0])
    name, rows = node.outputs[0], b.shape(node.inputs[0])
    weights, bias = _weights(b, node, data.T, 1)
    flat = b.reshaped(b.flat(node.inputs[0]), (int(np.prod(rows[:-1])), rows[-1])) if len(rows) != 2 else b.stored(node.inputs[0], (0, 1))
    y = b.node("Gemm", [b.dequantized(flat, *b.affine(node.inputs[0])), weights, bias], f"{name}/real")
    if len(shape) == 2:
        b.write(node, y, (0, 1), node.attrs["lo"], node.attrs["hi"])
        return
    b.write(node, b.reshaped(y, shape), identity(len(shape)), node.attrs["lo"], node.attrs["hi"])


def matmul(b: Build, node: Node) -> None:
    a = node.attrs
    y_scale = b.affine(node.outputs[0])[0]
    scales = product_scales(b, node, float(factor(a["m"], a["n"])) * y_scale)
    zeros = (a["a_zero"], a["b_zero"])
    reals = [b.real(t, identity(len(b.shape(t))), s, z) for t, s, z in zip(node.inputs, scales, zeros, strict=True)]
    y = b.node("MatMul", reals, f"{node.outputs[0]}/real")
    b.write(node, y, identity(len(b.shape(node.outputs[0]))), a["lo"], a["hi"])


RULES = {
    "conv2d_s8": conv2d,
    "depthwise_conv2d_s8": depthwise_conv2d,
    "transpose_conv2d_s8": transpose_conv2d,
    "fully_connected_s8": fully_connected,
    "matmul_s8": matmul,
}

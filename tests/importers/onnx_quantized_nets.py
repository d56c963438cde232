"""Networks of one characteristic operator each, for onnxruntime's quantizer: an image [1, 3, 16, 16] through it to a few scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from tests.importers.onnx_nets import Net

Body = Callable[[Net, str], str]  # from the first layer's [1, 8, 16, 16] to an image of any size


def network(name: str) -> onnx.ModelProto:
    net = Net(3, opset=14)
    first = net.conv("x", 3, 8, 3, pads=[1, 1, 1, 1])
    if name in HEADS:
        y = HEADS[name](net, net.add("Relu", first))
    else:
        body, channels = BODIES[name]
        y = _scores(net, body(net, first if name in SIGNED else net.add("Relu", first)), channels)
    return net.model({"x": [1, 3, 16, 16]}, {y: None})


def _scores(net: Net, x: str, channels: int) -> str:
    y = net.add("GlobalAveragePool", net.conv(x, channels, 6, 3, pads=[1, 1, 1, 1]))
    return str(net.add("Flatten", y))


def _ints(net: Net, *values: int) -> str:
    return net.const(np.array(values, np.int64))


def _unary(op: str, **attrs: float) -> Body:
    return lambda net, x: str(net.add(op, x, **attrs))


def _average(kernel: int, **attrs: object) -> Body:
    return lambda net, x: str(net.add("AveragePool", x, kernel_shape=[kernel, kernel], strides=[2, 2], **attrs))


def _resize(mode: str, **attrs: str) -> Body:
    return lambda net, x: str(net.add("Resize", x, "", net.const(np.array([1, 1, 2, 2], np.float32)), mode=mode, **attrs))


def _pad(mode: str) -> Body:
    return lambda net, x: str(net.add("Pad", x, _ints(net, 0, 0, 1, 1, 0, 0, 1, 1), mode=mode))


def _pad_value(net: Net, x: str) -> str:
    return str(net.add("Pad", x, _ints(net, 0, 0, 1, 1, 0, 0, 1, 1), net.const(np.float32(0.75))))


def _residual(net: Net, x: str) -> str:
    return str(net.add("Relu", net.add("Add", net.conv(x, 8, 8, 3, pads=[1, 1, 1, 1]), x)))


def _squeeze_excite(net: Net, x: str) -> str:
    return str(net.add("Mul", x, net.add("Sigmoid", net.conv(net.add("GlobalAveragePool", x), 8, 8, 1))))


def _join(net: Net, x: str) -> str:
    return str(net.add("Concat", x, net.conv(x, 8, 8, 1), axis=1))


def _swap(net: Net, x: str) -> str:
    a, b = net.add("Split", x, outputs=2, axis=1)
    return str(net.add("Concat", b, a, axis=1))


def _shuffle(net: Net, x: str) -> str:
    y = net.add("Transpose", net.add("Reshape", x, _ints(net, 1, 2, 4, 16, 16)), perm=[0, 2, 1, 3, 4])
    return str(net.add("Reshape", y, _ints(net, 1, 8, 16, 16)))


def _upward(net: Net, x: str) -> str:
    return str(net.add("ConvTranspose", x, net.weight(8, 8, 2, 2), net.weight(8), kernel_shape=[2, 2], strides=[2, 2]))


def _rows(net: Net, x: str) -> str:
    """[1, 256, 8]: a token for every pixel."""
    return str(net.add("Transpose", net.add("Reshape", x, _ints(net, 1, 8, 256)), perm=[0, 2, 1]))


BODIES: dict[str, tuple[Body, int]] = {
    "average": (_average(2), 8),
    "average_padded": (_average(3, pads=[1, 1, 1, 1]), 8),
    "average_counting_padding": (_average(3, pads=[1, 1, 1, 1], count_include_pad=1), 8),
    "average_ceil": (_average(3, ceil_mode=1), 8),
    "max_pool": (lambda net, x: str(net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])), 8),
    "residual_add": (_residual, 8),
    "add_constant": (lambda net, x: str(net.add("Add", x, net.weight(1, 8, 1, 1, scale=0.5))), 8),
    "mul_constant": (lambda net, x: str(net.add("Mul", x, net.weight(1, 8, 1, 1, scale=0.5))), 8),
    "squeeze_excite": (_squeeze_excite, 8),
    "concat": (_join, 16),
    "leaky_relu": (_unary("LeakyRelu", alpha=0.1), 8),
    "sigmoid": (_unary("Sigmoid"), 8),
    "hard_swish": (_unary("HardSwish"), 8),
    "square_root": (_unary("Sqrt"), 8),
    "softmax_of_channels": (_unary("Softmax", axis=1), 8),
    "resize_nearest": (_resize("nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"), 8),
    "resize_linear": (_resize("linear"), 8),
    "pad_zeros": (_pad("constant"), 8),
    "pad_value": (_pad_value, 8),
    "pad_reflect": (_pad("reflect"), 8),
    "split": (_swap, 8),
    "channel_shuffle": (_shuffle, 8),
    "gather_channels": (lambda net, x: str(net.add("Gather", x, _ints(net, 5, 0, -1, 2), axis=1)), 4),
    "tile": (lambda net, x: str(net.add("Tile", x, _ints(net, 1, 1, 2, 2))), 8),
    "transposed_convolution": (_upward, 8),
    "depthwise": (lambda net, x: net.conv(x, 8, 8, 3, group=8, pads=[1, 1, 1, 1]), 8),
}
SIGNED = ("leaky_relu", "sigmoid", "hard_swish", "softmax_of_channels", "add_constant")  # read the convolution before its Relu


def _gemm_softmax(net: Net, x: str) -> str:
    return str(net.add("Softmax", net.add("Gemm", _scores(net, x, 8), net.weight(6, 6, scale=4.0), net.weight(6), transB=1), axis=-1))


def _matmul_add(net: Net, x: str) -> str:
    return str(net.add("Add", net.add("MatMul", _scores(net, x, 8), net.weight(6, 6)), net.weight(6)))


def _attention(net: Net, x: str) -> str:
    tokens = _rows(net, x)
    q, k, v = (net.add("MatMul", tokens, net.weight(8, 8)) for _ in range(3))
    weights = net.add("Softmax", net.add("MatMul", q, net.add("Transpose", k, perm=[0, 2, 1])), axis=-1)
    return str(net.add("GlobalAveragePool", net.add("Transpose", net.add("MatMul", weights, v), perm=[0, 2, 1])))


def _first_token(net: Net, x: str) -> str:
    return str(net.add("Gemm", net.add("Gather", _rows(net, x), net.const(np.int64(0)), axis=1), net.weight(5, 8), transB=1))


def _mean_gemm(net: Net, x: str) -> str:
    mean = net.add("ReduceMean", x, axes=[2, 3], keepdims=0)
    return str(net.add("Gemm", mean, net.weight(5, 8), net.weight(5), transB=1))


HEADS: dict[str, Body] = {
    "gemm_softmax": _gemm_softmax,
    "matmul_add": _matmul_add,
    "attention": _attention,
    "gather_first_token": _first_token,
    "reduce_mean_gemm": _mean_gemm,
}
NETWORKS = (*BODIES, *HEADS)

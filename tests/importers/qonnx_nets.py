"""Small QONNX models for the tests."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import onnx

from edgeq_host.graph import Array
from tests.importers.onnx_nets import Net
from tests.importers.qonnx_reference import DOMAINS

BREVITAS = DOMAINS[0]


def quant(net: Net, x: str, scale: Any, bits: float, zero: Any = 0.0, domain: str = BREVITAS, **attrs: Any) -> str:
    inputs = [net.const(np.float32(v)) for v in (scale, zero, bits)]
    return str(net.add("Quant", x, *inputs, domain=domain, **attrs))


def dense(bits: int, rows: int = 6, scale: Any = 0.125, zero: Any = 0.0, **attrs: Any) -> tuple[onnx.ModelProto, Array]:
    """x times a quantized matrix [8, rows], and the matrix; its values cross all bounds, and lie on ties too."""
    net = Net(bits, opset=15)
    w = np.rint(net.rng.normal(0, 2.0 ** min(bits, 9), (8, rows))).astype(np.float32) * np.float32(0.0625)
    y = net.add("MatMul", "x", quant(net, net.const(w), scale, bits, zero, **attrs))
    return net.model({"x": [2, 8]}, {y: [2, rows]}), w


def bipolar(net: Net, x: str, scale: Any = 1.0) -> str:
    return str(net.add("BipolarQuant", x, net.const(np.float32(scale)), domain=BREVITAS))


def layer(net: Net, x: str, weight: Any, scale: float = 1.0, **conv: Any) -> str:
    """x times weights of +-scale: a dense layer, or with attributes a convolution, whose weights are [O, C, KH, KW]."""
    held = bipolar(net, net.const(np.asarray(weight, np.float32)), scale)
    if conv:
        return str(net.add("Conv", x, held, **conv))
    return str(net.add("MatMul", x, net.add("Transpose", held, perm=[1, 0])))


def norm(net: Net, x: str, channels: int, mean_every: float = 1.0, dead: bool = True) -> str:
    """A batch norm whose means are multiples of mean_every, half of them with beta 0, so that sums lie on it; of either sign of gamma, and
    where some channels are dead of gamma 0."""
    gamma = net.rng.normal(0, 1, channels).astype(np.float32)
    gamma[:: max(3, channels // 3)] *= not dead
    beta = np.where(net.rng.random(channels) < 0.5, 0, net.rng.normal(0, 1, channels)).astype(np.float32)
    mean = (np.rint(net.rng.normal(0, 3, channels)) * mean_every).astype(np.float32)
    variance = np.abs(net.rng.normal(0, 4, channels)).astype(np.float32)
    return str(net.add("BatchNormalization", x, *(net.const(v) for v in (gamma, beta, mean, variance))))


def mlp(seed: int, widths: tuple[int, ...], last: str = "plain") -> onnx.ModelProto:
    """Signs of the input, then layers of signs with batch norms between. last: plain, scaled (one scale and bias), norm (by channel)."""
    net = Net(seed, opset=15)
    x = bipolar(net, net.add("Sub", net.add("Mul", "x", net.const(np.float32(2))), net.const(np.float32(1))))
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        x = layer(net, x, net.rng.normal(0, 1, (outputs, inputs)))
        if i + 2 < len(widths):
            x = bipolar(net, norm(net, x, outputs, 2.0))
    if last == "scaled":
        x = net.add("Add", net.add("Mul", x, net.const(np.float32(0.043))), net.const(np.float32(-1.16)))
    elif last == "norm":
        x = norm(net, x, widths[-1], dead=False)
    return net.model({"x": [1, widths[0]]}, {x: [1, widths[-1]]})


def conv_net(seed: int, first: str = "int8") -> onnx.ModelProto:
    """A small VGG of signs [1, 3, 12, 12] to [1, 5]: an int8 input or signs, padding, pooling, scales."""
    net = Net(seed, opset=15)
    x = quant(net, "x", 1 / 64, 8, signed=1, narrow=0) if first == "int8" else bipolar(net, "x", 0.5)
    x = layer(net, x, net.rng.normal(0, 1, (32, 3, 3, 3)), 0.5, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    x = bipolar(net, norm(net, x, 32, 1 / 128), 2.0)
    x = layer(net, x, net.rng.normal(0, 1, (64, 32, 3, 3)), 0.25, kernel_shape=[3, 3], pads=[1, 0, 0, 1], strides=[1, 1])
    x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = bipolar(net, norm(net, x, 64, 1.0))
    x = layer(net, x, net.rng.normal(0, 1, (32, 64, 3, 3)), 1.0, kernel_shape=[3, 3], strides=[2, 2])
    x = bipolar(net, norm(net, x, 32, 2.0))
    x = layer(net, net.add("Flatten", x), net.rng.normal(0, 1, (5, 128)), 0.5)
    return net.model({"x": [1, 3, 12, 12]}, {x: [1, 5]})

"""The int8 form of the operators that multiply by constant weights: what their rules share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.weights import quantize_weights

Float64 = NDArray[np.float64]


def weighted(build: Build, node: Node, axis: int) -> None:
    """conv2d, depthwise_conv2d, transpose_conv2d, fully_connected: x, weights with output channels on `axis`, bias."""
    x_name, w_name, b_name = node.inputs
    x, y = build.affine(x_name), build.affine(node.outputs[0])
    weights = quantize_weights(build, node.name, build.tensor(w_name), build.tensor(b_name), axis, x, y, _expected(build, node))
    attrs = {key: value for key, value in node.attrs.items() if key not in ("lo", "hi")}
    attrs |= {"x_zero": x.zero, "w_zero": weights.zero, "y_zero": y.zero, **y.clamp(node.attrs["lo"], node.attrs["hi"])}
    inputs = [build.s8(x_name), weights.weight, weights.rq]
    build.emit(node.op.replace("_f32", "_s8"), node.name, inputs, build.output(node.outputs[0]), attrs)


def _expected(build: Build, node: Node) -> Float64 | None:
    """The mean input of every weight, in rows by output channel. None where calibration has no means (or none that fit)."""
    mean = build.means.get(node.inputs[0])
    if mean is None or node.op == "transpose_conv2d_f32":  # there the taps that meet depend on the place
        return None
    shape = build.tensor(node.inputs[1]).shape
    if node.op == "fully_connected_f32":
        return mean[None, :]
    valid = _valid(build, node)
    if node.op == "depthwise_conv2d_f32":
        channels = np.repeat(mean, shape[2] // mean.size)
        return channels[:, None] * valid.reshape(1, -1)
    groups = mean.reshape(node.attrs["groups"], 1, 1, shape[3])
    rows = (valid[None, :, :, None] * groups).reshape(node.attrs["groups"], -1)
    return np.repeat(rows, shape[0] // node.attrs["groups"], axis=0)


def _valid(build: Build, node: Node) -> Float64:
    """Share of the outputs for which a tap lies inside the input, [KH, KW]."""
    shares = []
    taps = build.tensor(node.inputs[1]).shape[:2] if node.op == "depthwise_conv2d_f32" else build.tensor(node.inputs[1]).shape[1:3]
    for axis, (direction, pad) in enumerate((("h", "pad_top"), ("w", "pad_left"))):
        size, count = build.tensor(node.inputs[0]).shape[1 + axis], build.tensor(node.outputs[0]).shape[1 + axis]
        first = np.arange(count) * node.attrs[f"stride_{direction}"] - node.attrs[pad]
        places = first[:, None] + np.arange(taps[axis]) * node.attrs[f"dilation_{direction}"]
        shares.append(((places >= 0) & (places < size)).mean(axis=0))
    return np.asarray(shares[0][:, None] * shares[1][None, :], np.float64)

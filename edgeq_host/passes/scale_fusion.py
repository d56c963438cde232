"""Multiplications and additions of one constant per channel go into the convolution or fully-connected layer beside them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgeq_host.graph import Array, Attrs, Node, Quant, Tensor
from edgeq_host.passes.rewriter import Rewriter

# operator: the dimension of its weight that is the output channel, and the one that is the input channel
_OUT_AXIS = {"conv2d_f32": 0, "depthwise_conv2d_f32": 2, "transpose_conv2d_f32": 0, "fully_connected_f32": 0}
_LINEAR = frozenset(("add_f32", "sub_f32", "mul_f32", "div_f32"))


def after_layer(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """mul(layer(x), c) and add(layer(x), c), where nothing else reads the layer and no bound stands between."""
    if node.op not in _LINEAR:
        return None
    for i in (0, 1):
        layer = rewriter.makers.get(node.inputs[i])
        if layer is None or layer.op not in _OUT_AXIS or not rewriter.absorbable(node.inputs[i]) or not unbounded(layer.attrs):
            continue
        channels = rewriter.shape(node.inputs[i])[-1]
        constant = per_channel(rewriter, node, 1 - i, channels)
        if constant is None or (i == 1 and node.op == "div_f32"):
            continue
        scaled = _scaled(rewriter, node, layer, *_as_scale_shift(node.op, constant, i))
        if scaled is not None:
            return [scaled]
    return None


def unbounded(attrs: Attrs) -> bool:
    return math.isinf(attrs["lo"]) and math.isinf(attrs["hi"]) and attrs["lo"] < attrs["hi"]


def per_channel(rewriter: Rewriter, node: Node, i: int, channels: int) -> Array | None:
    """Operand i as one float64 for every entry of the last dimension, where it is such a constant and leaves the shape as it is."""
    constant = rewriter.constant(node.inputs[i])
    if constant is None or rewriter.shape(node.inputs[1 - i]) != rewriter.shape(node.outputs[0]):
        return None
    if math.prod(constant.shape) != (constant.shape[-1] if constant.shape else 1) or math.prod(constant.shape) not in (1, channels):
        return None
    return np.broadcast_to(constant.real().astype(np.float64).reshape(-1), (channels,))


def _as_scale_shift(op: str, c: Array, layer_side: int) -> tuple[Array, Array]:
    """y = scale * layer + shift."""
    one, zero = np.ones_like(c), np.zeros_like(c)
    if op == "add_f32":
        return one, c
    if op == "sub_f32":
        return (one, -c) if layer_side == 0 else (-one, c)
    return (c if op == "mul_f32" else 1 / np.where(c == 0, np.nan, c)), zero


def _plain(rewriter: Rewriter, layer: Node) -> tuple[Tensor, Tensor] | None:
    """Weight and bias, where both are constants that no source has quantized."""
    weight, bias = rewriter.constant(layer.inputs[1]), rewriter.constant(layer.inputs[2])
    if weight is None or bias is None or weight.quant is not None or bias.quant is not None:
        return None
    return weight, bias


def _scaled(rewriter: Rewriter, node: Node, layer: Node, scale: Array, shift: Array) -> Node | None:
    """The layer with scale and shift in its constants; None where these are no constants, or cannot take them."""
    weight, bias = rewriter.constant(layer.inputs[1]), rewriter.constant(layer.inputs[2])
    if weight is None or bias is None:
        return None
    inputs = [layer.inputs[0], layer.inputs[1], layer.inputs[2]]
    if np.any(scale != 1):
        found = _scaled_weight(weight, _OUT_AXIS[layer.op], scale)
        if found is None:
            return None
        inputs[1] = rewriter.new_constant(weight.name, *found)
    inputs[2] = rewriter.new_constant(bias.name, _f32(bias.real() * scale + shift))
    bounds = {k: node.attrs[k] for k in ("lo", "hi")}
    return replace(layer, inputs=tuple(inputs), outputs=node.outputs, attrs={**layer.attrs, **bounds})


def _scaled_weight(weight: Tensor, axis: int, scale: Array) -> tuple[Array, Quant | None] | None:
    """Real weights times scale; the integers of a source as they are, under other scales, negated where those would be negative."""
    along = [-1 if i == axis else 1 for i in range(len(weight.shape))]
    if weight.quant is None or weight.data is None:
        return _f32(weight.real() * scale.reshape(along)), None
    quant, turned = weight.quant, np.where(scale < 0, -1, 1)
    scales = quant.scale * np.abs(scale)
    if quant.axis not in (None, axis) or not np.isfinite(scales).all() or not scales.all():
        return None
    data = weight.data.astype(np.int64) * turned.reshape(along)
    if np.any(turned < 0) and (quant.zero.any() or data.max() > np.iinfo(weight.data.dtype).max):
        return None
    one = quant.axis is None and np.all(scales == scales[0])
    scales = scales[:1] if one else scales
    return data.astype(weight.data.dtype), Quant(scales, np.broadcast_to(quant.zero, scales.shape).copy(), None if one else axis)


def _f32(data: Array) -> Array:
    with np.errstate(over="ignore"):  # an infinity is refused where the weights are quantized
        return np.asarray(data, np.float32)


def before_layer(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """layer(mul(x, c)), and layer(add(x, c)) where the layer does not pad (a padded zero would not have been shifted)."""
    if node.op not in ("conv2d_f32", "depthwise_conv2d_f32", "fully_connected_f32"):
        return None
    linear = rewriter.makers.get(node.inputs[0])
    weights = _plain(rewriter, node)
    if linear is None or linear.op not in _LINEAR or weights is None:
        return None
    if not rewriter.absorbable(node.inputs[0]) or not unbounded(linear.attrs):
        return None
    for i in (0, 1):
        constant = per_channel(rewriter, linear, 1 - i, rewriter.shape(node.inputs[0])[-1])
        if constant is None or rewriter.constant(linear.inputs[i]) is not None or (i == 1 and linear.op == "div_f32"):
            continue
        scale, shift = _as_scale_shift(linear.op, constant, i)
        if np.any(shift != 0) and any(node.attrs.get(p) for p in ("pad_top", "pad_left", "pad_bottom", "pad_right")):
            continue
        return [_input_scaled(rewriter, node, linear.inputs[i], weights, scale, shift)]
    return None


def _input_scaled(rewriter: Rewriter, node: Node, x: str, weights: tuple[Tensor, Tensor], scale: Array, shift: Array) -> Node:
    weight, bias = weights
    w = weight.real().astype(np.float64)
    factor, offset = _per_weight(node, w.shape, scale), _per_weight(node, w.shape, shift)
    axes = tuple(i for i in range(w.ndim) if i != _OUT_AXIS[node.op])
    new_w = rewriter.new_constant(weight.name, _f32(w * factor))
    new_b = rewriter.new_constant(bias.name, _f32(bias.real() + (w * offset).sum(axis=axes)))
    return replace(node, inputs=(x, new_w, new_b))


def _per_weight(node: Node, shape: tuple[int, ...], values: Array) -> Array:
    """One value per input channel, laid beside the weight that reads that channel."""
    if node.op == "depthwise_conv2d_f32":
        return np.repeat(values, shape[2] // values.size)
    if node.op == "fully_connected_f32":
        return values.reshape(1, -1)
    groups = node.attrs["groups"]
    by_group = values.reshape(groups, shape[3])
    return np.repeat(by_group, shape[0] // groups, axis=0).reshape(shape[0], 1, 1, shape[3])

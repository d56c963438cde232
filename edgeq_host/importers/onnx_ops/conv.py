"""Conv and ConvTranspose. Rules read the node through Op and leave its output with `done`."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops import window
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.layout import from_nhwc, rank_of_image, to_nhwc, two
from edgeq_host.importers.onnx_ops.values import Const


def conv(op: Op) -> None:
    bias = op.held(2, "the bias") if op.has(2) else None
    op.done(convolve(op, op.tensor(0), op.held(1, "the weight"), bias, None))


def convolve(op: Op, x: str, w: Const, bias: Const | None, quant: Quant | None) -> str:
    """Convolution of x, in ONNX's layout on both sides; `quant` is the output's where the node itself says it."""
    rank = rank_of_image(op)
    w = _with_height(w, rank)
    n, c = op.builder.shape(x)[:2]
    groups = int(op.attr("group", 1))
    outputs, inner, kh, kw = w.shape
    if groups < 1 or inner * groups != c or outputs % groups:
        raise Refusal(f"weights {list(w.shape)} in {groups} groups do not fit an input of {c} channels")
    _check_kernel(op, (kh, kw), rank)
    image = to_nhwc(op, x)
    win = window.read(op, op.builder.shape(image)[1:3], (kh, kw), rank)
    shape = (n, *win.out, outputs)
    remark_scales(op, w)
    depthwise = groups == c and inner == 1 and c > 1
    laid = w.transposed((2, 3, 0, 1)).reshaped((kh, kw, outputs), 2) if depthwise else w.transposed((0, 2, 3, 1))
    operator = "depthwise_conv2d_f32" if depthwise else "conv2d_f32"
    attrs = win.attrs() if depthwise else {**win.attrs(), "groups": groups}
    inputs = [image, op.builder.constant(f"{op.output}/w", laid.data, laid.quant), bias_of(op, bias, outputs)]
    return from_nhwc(op, op.emit(operator, inputs, shape, attrs, quant=quant), rank)


def remark_scales(op: Op, w: Const) -> None:
    """Weights [outputs, ...] have a scale for each output, or one."""
    if w.quant is not None and w.quant.axis not in (None, 0) and w.data.shape[w.quant.axis] > 1:
        op.builder.remark(
            "weights with scales along another axis than that of their outputs are rounded anew, as those of a float source are"
        )


def bias_of(op: Op, bias: Const | None, outputs: int) -> str:
    """The bias as a constant [outputs]; zeros where the source has none."""
    if bias is None:
        return op.constant(np.zeros(outputs, np.float32), "bias")
    if bias.data.size != outputs:
        raise Refusal(f"the bias has {bias.data.size} entries, expected {outputs}")
    laid = bias.reshaped((outputs,), 0)
    return op.builder.constant(f"{op.output}/bias", laid.data, laid.quant)


def _with_height(w: Const, rank: int) -> Const:
    """Weights of a 1-d convolution get a height of 1."""
    if len(w.shape) != rank:
        raise Refusal(f"weights {list(w.shape)} have {len(w.shape)} dimensions, expected {rank}")
    axis = w.quant.axis if w.quant else None
    return w if rank == 4 else w.reshaped((*w.shape[:2], 1, w.shape[2]), axis)


def _check_kernel(op: Op, kernel: tuple[int, int], rank: int) -> None:
    if op.attr("kernel_shape") is not None and two(op.attr("kernel_shape"), 1, "kernel_shape", rank) != kernel:
        raise Refusal(f"kernel_shape {list(op.attr('kernel_shape'))} is not that of the weights, {list(kernel)}")


def conv_transpose(op: Op) -> None:
    rank = rank_of_image(op)
    x = op.tensor(0)
    w = _with_height(op.held(1, "the weight"), rank)
    n, c = op.builder.shape(x)[:2]
    groups = int(op.attr("group", 1))
    if groups < 1 or w.shape[0] != c or c % groups:
        raise Refusal(f"weights {list(w.shape)} in {groups} groups do not fit an input of {c} channels")
    per_group, kh, kw = w.shape[1:]
    outputs = per_group * groups
    _check_kernel(op, (kh, kw), rank)
    laid = _grouped(w, groups)
    image = to_nhwc(op, x)
    size = op.builder.shape(image)[1:3]
    stride = two(op.attr("strides"), 1, "strides", rank)
    dilation = two(op.attr("dilations"), 1, "dilations", rank)
    before, out = zip(*(_transposed_axis(op, d, size[d], (kh, kw)[d], stride[d], dilation[d], rank) for d in (0, 1)), strict=True)
    attrs = {"stride_h": stride[0], "stride_w": stride[1], "dilation_h": dilation[0], "dilation_w": dilation[1]}
    attrs |= {"pad_top": before[0], "pad_left": before[1], "groups": groups}
    bias = bias_of(op, op.held(2, "the bias") if op.has(2) else None, outputs)
    inputs = [image, op.builder.constant(f"{op.output}/w", laid.data, laid.quant), bias]
    op.done(from_nhwc(op, op.emit("transpose_conv2d_f32", inputs, (n, *out, outputs), attrs), rank))


def _grouped(w: Const, groups: int) -> Const:
    """[C, O/g, KH, KW] to [O, KH, KW, C/g]."""
    c, per_group, kh, kw = w.shape
    if groups == 1:
        return w.transposed((1, 2, 3, 0))
    if w.quant is not None and w.quant.axis is not None:
        raise Refusal("quantized per channel and in groups", "quantize these weights per tensor")
    split = w.data.reshape(groups, c // groups, per_group, kh, kw).transpose(0, 2, 3, 4, 1)
    return Const(split.reshape(groups * per_group, kh, kw, c // groups), w.quant)


def _transposed_axis(op: Op, d: int, size: int, kernel: int, stride: int, dilation: int, rank: int) -> tuple[int, int]:
    """Padding before and the output's size of axis d of a transposed convolution."""
    added = two(op.attr("output_padding"), 0, "output_padding", rank)[d]
    if stride < 1 or dilation < 1 or added < 0:
        raise Refusal("strides and dilations must be at least 1, output_padding at least 0")
    full = stride * (size - 1) + added + (kernel - 1) * dilation + 1
    mode = op.attr("auto_pad", "NOTSET")
    wanted = op.attr("output_shape")
    if wanted is not None:
        out = two(wanted[-(rank - 2) :], 1, "output_shape", rank)[d]
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        out = size * stride
    else:
        before, after = window.explicit_pads(op, d, rank) if mode != "VALID" else (0, 0)
        return before, full - before - after
    total = max(full - out, 0)
    return (total // 2 if mode == "SAME_UPPER" else total - total // 2), out

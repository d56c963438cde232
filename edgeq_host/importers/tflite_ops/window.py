"""Operators with a window: convolutions and pooling."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from edgeq_host.graph import Attrs, Quant, Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.activation import finish
from edgeq_host.importers.tflite_ops.context import Run, Step

SAME = 0
PADS = "Pads"  # explicit padding (top, left, bottom, right), put there where a dilated convolution was folded


class Axis(NamedTuple):
    """One spatial axis of a window."""

    size: int
    kernel: int
    stride: int
    dilation: int

    @property
    def span(self) -> int:
        return (self.kernel - 1) * self.dilation + 1


def geometry(step: Step, h: Axis, w: Axis) -> tuple[tuple[int, int], Attrs]:
    """Output height and width, and the attributes that all windows share."""
    for axis in (h, w):
        if min(axis.size, axis.kernel, axis.stride, axis.dilation) < 1:
            raise Refusal(f"kernel {axis.kernel}, stride {axis.stride}, dilation {axis.dilation} over {axis.size}; each must be at least 1")
    top, left, bottom, right = step.options.get(PADS) or _pads(step, h, w)
    out = [(a.size + p - a.span) // a.stride + 1 for a, p in ((h, top + bottom), (w, left + right))]
    attrs = {"stride_h": h.stride, "stride_w": w.stride, "dilation_h": h.dilation, "dilation_w": w.dilation}
    return (out[0], out[1]), {**attrs, "pad_top": top, "pad_left": left, "pad_bottom": bottom, "pad_right": right}


def _pads(step: Step, h: Axis, w: Axis) -> tuple[int, int, int, int]:
    if step.options["Padding"] != SAME:
        return (0, 0, 0, 0)
    whole = [same_padding(-(-a.size // a.stride), a) for a in (h, w)]
    return (whole[0] // 2, whole[1] // 2, whole[0] - whole[0] // 2, whole[1] - whole[1] // 2)


def same_padding(outputs: int, axis: Axis) -> int:
    """Padding before and after together; the smaller half goes before."""
    return max((outputs - 1) * axis.stride + axis.span - axis.size, 0)


def image(step: Step, k: int) -> Tensor:
    x = step.real(k)
    if len(x.shape) != 4:
        raise Refusal(f"its input has the shape {list(x.shape)}; expected [N, H, W, C]")
    return x


def weights(step: Step, k: int, rank: int) -> Tensor:
    w = step.real(k)
    if w.data is None:
        raise Refusal(f"its weights '{w.name}' are computed while the network runs; expected a constant")
    if len(w.shape) != rank or 0 in w.shape:
        raise Refusal(f"its weights have the shape {list(w.shape)}; expected {rank} dimensions")
    return w


def bias(step: Step, k: int, x: Tensor, w: Tensor, channels: int) -> Tensor:
    """The bias, zeros where there is none. Of integers the scale is exactly that of the products, as every kernel takes it."""
    if not step.has(k):
        return step.constant(np.zeros(channels, np.float32), "/bias")
    b = step.input(k)
    if b.data is None or b.data.size != channels:
        raise Refusal(f"its bias '{b.name}' has the shape {list(b.shape)}; expected {channels} constants")
    if b.data.dtype.kind == "f" and b.shape == (channels,):
        return b
    quant = b.quant
    if b.data.dtype.kind != "f" and x.quant is not None and w.quant is not None:
        scale = x.quant.scale * w.quant.scale
        quant = Quant(scale, np.zeros(len(scale), np.int64), None if len(scale) == 1 else 0)
    if b.data.dtype.kind != "f" and quant is None:
        raise Refusal(f"its bias '{b.name}' is of integers without a scale")
    made = step.constant(np.ascontiguousarray(b.data.reshape(channels)), "/bias")
    step.context.builder.graph.tensors[made.name] = replace(made, quant=quant)
    return step.context.builder.tensor(made.name)


def conv2d(step: Step) -> None:
    x, w = image(step, 0), weights(step, 1, 4)
    outputs, kh, kw, depth = w.shape
    n, _, _, channels = x.shape
    if channels % depth or outputs % (channels // depth):
        raise Refusal(f"weights {list(w.shape)} do not fit {channels} channels")
    size, attrs = _sized(step, x, kh, kw)
    finish(step, "conv2d_f32", [x, w, bias(step, 2, x, w, outputs)], (n, *size, outputs), {**attrs, "groups": channels // depth})


def _sized(step: Step, x: Tensor, kh: int, kw: int) -> tuple[tuple[int, int], Attrs]:
    o = step.options
    h = Axis(x.shape[1], kh, o["StrideH"], o["DilationHFactor"])
    return geometry(step, h, Axis(x.shape[2], kw, o["StrideW"], o["DilationWFactor"]))


def depthwise_conv2d(step: Step) -> None:
    """The file's [1, KH, KW, O] becomes [KH, KW, O], or where there is one channel [O, KH, KW, 1] of a convolution: the same sums."""
    x, w = image(step, 0), weights(step, 1, 4)
    one, kh, kw, outputs = w.shape
    if one != 1 or outputs % x.shape[3]:
        raise Refusal(f"weights {list(w.shape)} do not fit {x.shape[3]} channels")
    single = x.shape[3] == 1
    quant = w.quant
    if quant is not None and quant.axis is not None:
        if quant.axis != 3:
            raise Refusal(f"its weights have one scale per slice of axis {quant.axis}; expected axis 3")
        quant = replace(quant, axis=0 if single else 2)
    data = np.asarray(w.data).reshape(kh, kw, outputs)
    laid = step.constant(np.ascontiguousarray(data.transpose(2, 0, 1)[..., None]) if single else data, "/weights")
    step.context.builder.graph.tensors[laid.name] = laid = replace(laid, quant=quant)
    size, attrs = _sized(step, x, kh, kw)
    operator = "conv2d_f32" if single else "depthwise_conv2d_f32"
    inputs = [x, laid, bias(step, 2, x, laid, outputs)]
    finish(step, operator, inputs, (x.shape[0], *size, outputs), {**attrs, "groups": 1} if single else attrs)


def transpose_conv2d(step: Step) -> None:
    shape, w, x = step.ints(0), weights(step, 1, 4), image(step, 2)
    outputs, kh, kw, depth = w.shape
    if len(shape) != 4 or shape[0] != x.shape[0] or shape[3] != outputs or depth != x.shape[3]:
        raise Refusal(f"output {shape}, weights {list(w.shape)} and input {list(x.shape)} do not fit each other")
    h, width = (Axis(shape[i], k, step.options[s], 1) for i, k, s in ((1, kh, "StrideH"), (2, kw, "StrideW")))
    (oh, ow), attrs = geometry(step, h, width)  # of the convolution that this one runs backwards
    if (oh, ow) != x.shape[1:3]:
        raise Refusal(f"an output of {shape[1:3]} comes from an input of {[oh, ow]}, not {list(x.shape[1:3])}")
    kept = {name: value for name, value in attrs.items() if name not in ("pad_bottom", "pad_right")}
    finish(step, "transpose_conv2d_f32", [x, w, bias(step, 3, x, w, outputs)], shape, {**kept, "groups": 1})


def pool(kind: str) -> Run:
    def rule(step: Step) -> None:
        x, o = image(step, 0), step.options
        h = Axis(x.shape[1], o["FilterHeight"], o["StrideH"], 1)
        size, attrs = geometry(step, h, Axis(x.shape[2], o["FilterWidth"], o["StrideW"], 1))
        finish(step, kind, [x], (x.shape[0], *size, x.shape[3]), {**attrs, "kernel_h": o["FilterHeight"], "kernel_w": o["FilterWidth"]})

    return rule

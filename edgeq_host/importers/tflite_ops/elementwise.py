"""Operators of two tensors element by element, and changes of type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeq_host.graph import Array, Quant, Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.activation import finish
from edgeq_host.importers.tflite_ops.context import EDGE_TYPES, Run, Step

_NUMPY = {"FLOAT32": np.float32, "INT32": np.int32, "INT64": np.int64, "INT8": np.int8, "UINT8": np.uint8}


def _is_integers(tensor: Tensor) -> bool:
    return tensor.data is not None and tensor.quant is None and tensor.data.dtype.kind in "iu"


def binary(kind: str, integers: Callable[[Array, Array], Array]) -> Run:
    """`integers` computes the result for constants, which is how shapes are worked out in a file."""

    def rule(step: Step) -> None:
        a, b = step.input(0), step.input(1)
        if _is_integers(a) and _is_integers(b):
            step.broadcast(a.shape, b.shape)
            step.fold(integers(np.asarray(a.data), np.asarray(b.data)))
            return
        a, b = step.real(0), step.real(1)
        finish(step, kind, [a, b], step.broadcast(a.shape, b.shape))

    return rule


def truncated_quotient(a: Array, b: Array) -> Array:
    if (b == 0).any():
        raise Refusal("it divides constants by 0")
    return np.trunc(a / b).astype(a.dtype)


def power(a: Array, b: Array) -> Array:
    if (b < 0).any() or (b > 63).any():
        raise Refusal("it raises constants to a power outside of 0 to 63")
    return np.asarray(a**b)


def quantize(step: Step) -> None:
    """In the graph of real numbers the scale is only noted on the tensor. A node is needed where it has another one already."""
    x, quant = step.real(), step.quant()
    if quant is None or quant.axis is not None:
        raise Refusal(f"to {step.output().type}; expected int8 or uint8 with one scale", "convert with 8-bit activations")
    if x.data is not None:
        ints = np.clip(np.rint(x.real() / quant.scale[0].astype(np.float32)) + quant.zero[0], -128, 127)
        step.fold(ints.astype(np.int8), quant=quant)
    elif x.quant is None:
        step.context.builder.graph.tensors[x.name] = replace(x, quant=quant)
        step.alias(x)
    elif _equal(x.quant, quant):
        step.alias(x)
    else:
        step.emit("clip_f32", [x], x.shape)


def _equal(a: Quant, b: Quant) -> bool:
    return bool(np.array_equal(a.scale, b.scale) and np.array_equal(a.zero, b.zero))


def dequantize(step: Step) -> None:
    step.alias(step.real())


def cast(step: Step) -> None:
    x, kind = step.input(), step.output().type
    if x.quant is not None or step.quant() is not None:
        raise Refusal("it takes the integers of a quantized tensor for numbers")
    if x.data is not None and kind in _NUMPY:
        step.fold(x.data.astype(_NUMPY[kind]))
    elif EDGE_TYPES.get(kind) == x.dtype:
        step.alias(x)
    elif kind in EDGE_TYPES:
        step.emit("cast", [x], x.shape, dtype=EDGE_TYPES[kind])
    else:
        raise Refusal(f"to {kind}; expected float32, int32, int8 or uint8")

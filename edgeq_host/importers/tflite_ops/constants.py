"""Constants and quantization of a TFLite tensor as the graph holds them: uint8 shifted to int8, float16 widened, int4 unpacked."""

from __future__ import annotations

import math

import numpy as np

from edgeq_host.errors import ModelError
from edgeq_host.graph import Array, Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_file import DAMAGE, FileTensor

_TYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT64": "<i8", "INT32": "<i4", "INT16": "<i2"}
_TYPES |= {"INT8": "i1", "UINT8": "u1", "BOOL": "u1", "INT4": "i1"}
_STORED = {"INT8": (-128, 127), "UINT8": (0, 255), "INT4": (-8, 7), "INT32": (-(2**31), 2**31 - 1)}


def quantization(tensor: FileTensor) -> Quant | None:
    """None where the tensor's type has no use for a scale."""
    if not len(tensor.scale) or tensor.type not in _STORED:
        return None
    if not (np.isfinite(tensor.scale).all() and (tensor.scale > 0).all()):
        raise ModelError(f"tensor '{tensor.name}' has a scale that is not a positive number", DAMAGE)
    low, high = _STORED[tensor.type]
    if ((tensor.zero < low) | (tensor.zero > high)).any():
        raise ModelError(f"tensor '{tensor.name}' has a zero point outside of {tensor.type}", DAMAGE)
    zero = tensor.zero - 128 if tensor.type == "UINT8" else tensor.zero
    return Quant(tensor.scale, zero, _axis(tensor))


def activation_quant(tensor: FileTensor) -> Quant | None:
    """The same for what is computed: only 8-bit integers stand for real numbers there."""
    return quantization(tensor) if tensor.type in ("INT8", "UINT8") else None


def _axis(tensor: FileTensor) -> int | None:
    if len(tensor.scale) == 1:
        return None
    axis = 0 if len(tensor.shape) == 1 else tensor.axis  # some writers leave the weights' axis on the bias
    if not 0 <= axis < len(tensor.shape) or tensor.shape[axis] != len(tensor.scale):
        raise ModelError(f"tensor '{tensor.name}' has {len(tensor.scale)} scales along axis {axis} of {list(tensor.shape)}", DAMAGE)
    return axis


def constant(tensor: FileTensor) -> tuple[Array, Quant | None]:
    """The values of a constant, and how they stand for real numbers."""
    if tensor.data is None and 0 not in tensor.shape:
        raise ModelError(f"tensor '{tensor.name}' is read before an operator makes it", DAMAGE)
    if tensor.type not in _TYPES:
        raise Refusal(f"its constant '{tensor.name}' is of type {tensor.type}")
    if tensor.sparse:
        raise Refusal(f"its constant '{tensor.name}' is stored sparse", "convert without sparsity")
    data = _values(tensor)
    quant = quantization(tensor)
    if tensor.type == "FLOAT16":
        return data.astype(np.float32), None
    if tensor.type == "UINT8" and quant is not None:
        return (data.astype(np.int16) - 128).astype(np.int8), quant
    if tensor.type in ("BOOL", "INT16"):
        return data.astype(np.int32), quant
    return data, quant


def _values(tensor: FileTensor) -> Array:
    if any(d < 0 for d in tensor.shape):
        raise ModelError(f"constant '{tensor.name}' has the shape {list(tensor.shape)}", DAMAGE)
    kind = np.dtype(_TYPES[tensor.type])
    count = math.prod(tensor.shape)
    raw = tensor.data if tensor.data is not None else np.zeros(0, np.uint8)
    expected = (count + 1) // 2 if tensor.type == "INT4" else count * kind.itemsize
    if len(raw) != expected:
        raise ModelError(f"constant '{tensor.name}' has {len(raw)} bytes; its shape {list(tensor.shape)} needs {expected}", DAMAGE)
    if tensor.type == "INT4":
        nibbles = np.stack([raw & 15, raw >> 4], axis=-1).reshape(-1)[:count].astype(np.int8)  # the low nibble comes first
        return np.asarray((nibbles ^ 8) - 8, np.int8).reshape(tensor.shape)
    return np.ascontiguousarray(raw).view(kind).reshape(tensor.shape)

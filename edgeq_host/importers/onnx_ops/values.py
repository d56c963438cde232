"""What an ONNX name stands for while a model is read: a constant in the source's own type, or a tensor of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from edgeq_host.graph import Array, Quant, Tensor
from edgeq_host.importers.common import Refusal


@dataclass(frozen=True)
class Const:
    """`quant` None: data as the file has it. Else data are integers (uint8 already shifted by 128) of that quantization."""

    data: Array
    quant: Quant | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    def real(self) -> Array:
        """The values in the source's type; of quantized integers the float32 that they stand for."""
        return self.data if self.quant is None else Tensor("", self.shape, "s8", self.data, self.quant).real()

    def transposed(self, perm: Sequence[int]) -> Const:
        quant = self.quant
        if quant is not None and quant.axis is not None:
            quant = replace(quant, axis=list(perm).index(quant.axis))
        return Const(np.transpose(self.data, perm), quant)

    def reshaped(self, shape: Sequence[int], axis: int | None) -> Const:
        """The same elements; `axis` is where the quantized axis lies afterwards."""
        quant = self.quant
        if quant is not None and quant.axis is not None:
            quant = replace(quant, axis=axis)
        return Const(self.data.reshape(shape), quant)


@dataclass(frozen=True)
class Norm:
    """A batch norm of `tensor` as the source gives it: its constants by channel, axis 1."""

    tensor: str
    gamma: Array
    beta: Array
    mean: Array
    variance: Array
    epsilon: Fraction

    @property
    def constants(self) -> tuple[Array, Array, Array, Array]:
        return self.gamma, self.beta, self.mean, self.variance


@dataclass(frozen=True)
class Act:
    """A tensor of the graph. `integers` "u8" or "s8": the source means the integers of this quantized tensor, not its real values.

    norm: what it is made by, for a reader to whom the float32 factors of the graph are not exact enough.
    """

    tensor: str
    shape: tuple[int, ...]
    integers: str = ""
    norm: Norm | None = None


@dataclass(frozen=True)
class Comparison:
    """Whether x is at least a threshold, or with turn -1 whether not. tensors: thresholds, and perhaps turns, as sign_f32 takes them."""

    x: Act
    tensors: tuple[Array, ...]
    turn: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.x.shape


@dataclass(frozen=True)
class Unknown:
    """What a refused operator makes, where its shape cannot be inferred."""


Value = Const | Act | Comparison | Unknown


def quant_of(scale: Array, zero: Array | None, axis: int | None) -> tuple[Quant, int]:
    """The Quant of a scale and zero point of ONNX, and the shift (128 for uint8) that its integers need."""
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    if kind not in (np.uint8, np.int8, np.int32):
        raise Refusal(f"quantized type {kind} is not supported", "quantize to int8 or uint8")
    shift = 128 if kind == np.uint8 else 0
    scales = np.asarray(scale, np.float64).reshape(-1)
    zeros = np.zeros(scales.shape, np.int64) if zero is None else zero.astype(np.int64).reshape(-1) - shift
    if zeros.size == 1 and scales.size > 1:
        zeros = np.repeat(zeros, scales.size)
    if zeros.size != scales.size:
        raise Refusal(f"{scales.size} scales but {zeros.size} zero points")
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise Refusal("a scale is not a positive number")
    return Quant(scales, zeros, axis if scales.size > 1 else None), shift


def same_quant(a: Quant | None, b: Quant | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.axis == b.axis and np.array_equal(a.scale, b.scale) and np.array_equal(a.zero, b.zero)

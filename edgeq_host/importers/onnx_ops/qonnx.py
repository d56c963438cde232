"""QONNX, as Brevitas writes it: what is quantized to a given number of bits. Weights become their integers, activations get their scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Array, Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops import signs, ties
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.values import Const

DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")

_MOST_BITS = 32
_BYTE = 8
_FULL = 255  # steps of int8
_SCALES = (2.0**-100, 2.0**100)  # products of two of them are float32
_EXPORT = "export the model with one scale for each activation"
_SCALES_WANTED = "scales are positive, and there is one, or one for each slice of one axis"


def _half_up(v: Array) -> Array:
    return np.sign(v) * np.floor(np.abs(v) + 0.5)


def _half_down(v: Array) -> Array:
    return np.sign(v) * np.ceil(np.abs(v) - 0.5)


_Round = Callable[[Array], Array]
_NEAREST: dict[str, _Round] = {"ROUND": np.rint, "HALF_EVEN": np.rint, "HALF_UP": _half_up, "HALF_DOWN": _half_down}
_EVEN = ("ROUND", "HALF_EVEN")
_DIRECTED: dict[str, _Round] = {"CEIL": np.ceil, "FLOOR": np.floor, "UP": lambda v: np.sign(v) * np.ceil(np.abs(v)), "DOWN": np.trunc}
_ROUNDING = {**_NEAREST, **_DIRECTED}


@dataclass(frozen=True)
class _Form:
    """What the node says: integers low .. high, real = scale (q - zero). scale, zero: one, or one for each slice of `axis`."""

    scale: NDArray[np.float32]
    zero: NDArray[np.float32]
    axis: int | None
    low: int
    high: int
    rounding: str

    def along(self, values: NDArray[np.float32], rank: int) -> NDArray[np.float32]:
        return values if self.axis is None else values.reshape([-1 if i == self.axis else 1 for i in range(rank)])


def quant(op: Op) -> None:
    """Quant, IntQuant. One signed bit is -1 or 1."""
    bits = _bits(op)
    if bits == 1 and _flag(op, "signed", 1):
        if np.any(op.const(2, "the zero point")):
            raise Refusal("one signed bit with a zero point", "use BipolarQuant")
        bipolar(op)
        return
    form = _form(op, bits)
    if op.is_const(0):
        op.values[op.output] = _integers(form, _finite(op, 0, "the tensor"))
    else:
        op.done(_activation(op, form))


def bipolar(op: Op) -> None:
    """BipolarQuant: scale where x >= 0, -scale elsewhere."""
    scale = _finite(op, 1, "the scale")
    axis = _axis(op.shape(0), scale.shape, "scale")
    _check_scale(scale)
    if op.is_const(0):
        data = np.where(_finite(op, 0, "the tensor") >= 0, 1, -1).astype(np.int8)
        op.values[op.output] = Const(data, Quant(scale.reshape(-1).astype(np.float64), np.zeros(scale.size, np.int64), axis))
        return
    if scale.size > 1:
        raise Refusal(f"an activation is quantized by {scale.size} scales", _EXPORT)
    op.done(signs.bipolar(op, float(scale.reshape(()))))


def _activation(op: Op, form: _Form) -> str:
    """Input 0 in the stated quantization, and what is made of it: the same integers, as many steps apart as int8 has room for, so that
    biases and means have finer steps than they."""
    if form.axis is not None:
        raise Refusal(f"an activation is quantized by {max(form.scale.size, form.zero.size)} scales", _EXPORT)
    if form.rounding not in _NEAREST:
        hint = "export the model with rounding_mode ROUND"
        raise Refusal(f"rounds an activation by {form.rounding}; edgeq rounds them to the nearest integer", hint)
    if form.high - form.low >= 1 << _BYTE:
        found = f"an activation has the integers {form.low} .. {form.high}"
        raise Refusal(f"{found}, more than {_BYTE} bits hold", f"quantize activations to at most {_BYTE} bits")
    scale, zero, shift = float(form.scale.reshape(())), int(form.zero.reshape(())), _shift(form)
    if not form.low <= zero <= form.high:
        raise Refusal(f"the zero point {zero} lies outside of the integers {form.low} .. {form.high}", "quantize a range that contains 0")
    _remark_ties(op, form)
    x = op.annotate(op.tensor(0), Quant(np.array([scale]), np.array([zero - shift])), op.uses[op.node.input[0]] == 1)
    finer = (_FULL // (form.high - form.low)).bit_length() - 1
    fine = Quant(np.array([scale / (1 << finer)]), np.array([(zero - form.low << finer) - 128 if finer else zero - shift]))
    attrs = {"scale": scale, "zero": zero - shift, "low": form.low - shift, "high": form.high - shift}
    return op.emit("quantize_f32", [x], op.shape(0), attrs, quant=fine)


def _remark_ties(op: Op, form: _Form) -> None:
    """Sums of integers are rounded up at a tie, what comes into the model to even."""
    graph, x = op.builder.graph, op.tensor(0)
    if ties.of_floats(graph, x):
        ours, same = "edgeq rounds to even", form.rounding in _EVEN
    else:
        ours = "edgeq rounds up"
        same = (form.rounding == "HALF_UP" and form.low >= 0) or not ties.possible(graph, x, float(form.scale.reshape(())))
    if not same:
        op.builder.remark(f"Quant with rounding_mode {form.rounding}: values can lie exactly between two integers, where {ours}")


def _integers(form: _Form, x: NDArray[np.float32]) -> Const:
    """A constant of this quantization: int8 with zero point 0 where it fits; the real values where it is of more bits, or needs a zero
    point that int8 does not hold."""
    scale, zero = form.along(form.scale, x.ndim), form.along(form.zero, x.ndim)
    q = _ROUNDING[form.rounding](np.clip(x / scale + zero, form.low, form.high)).astype(np.int64)
    centred = q - zero.astype(np.int64)
    fits, shift = _within_byte(centred), _shift(form)
    if form.high - form.low >= 1 << _BYTE or not (fits or _within_byte(form.zero - shift)):
        return Const(np.asarray(centred * scale.astype(np.float64), np.float32))
    scales = np.broadcast_to(form.scale.reshape(-1), max(form.scale.size, form.zero.size)).astype(np.float64)
    zeros = np.zeros(scales.size, np.int64)
    if not fits:
        centred, zeros = q - shift, np.broadcast_to(form.zero.reshape(-1), scales.size).astype(np.int64) - shift
    return Const(centred.astype(np.int8), Quant(scales, zeros, form.axis))


def _within_byte(q: NDArray[Any]) -> bool:
    return bool(q.min(initial=0) >= -128 and q.max(initial=0) <= 127)


def _shift(form: _Form) -> int:
    """What is taken from the integers so that int8 holds them."""
    return 128 if form.high > 127 else 0


def _form(op: Op, bits: int) -> _Form:
    scale, zero = _finite(op, 1, "the scale"), _finite(op, 2, "the zero point")
    _check_scale(scale)
    if np.any(zero != np.rint(zero)) or np.abs(zero).max(initial=0) >= 1 << 24:
        raise Refusal("a zero point is no integer", "export the model with integer zero points")
    signed, narrow = _flag(op, "signed", 1), _flag(op, "narrow", 0)
    low = -(1 << bits - 1) + narrow if signed else 0
    high = (1 << bits - 1) - 1 if signed else (1 << bits) - 1 - narrow
    if low >= high:
        raise Refusal(f"{bits} narrow bits hold nothing but {low}", "give it more bits, or narrow = 0")
    mode = str(op.attr("rounding_mode", "ROUND")).upper()
    if mode not in _ROUNDING:
        raise Refusal(f"the rounding mode {mode!r} is unknown", f"known are {', '.join(_ROUNDING)}")
    axes = {_axis(op.shape(0), scale.shape, "scale"), _axis(op.shape(0), zero.shape, "zero point")} - {None}
    if len(axes) > 1:
        raise Refusal(f"a scale of shape {list(scale.shape)} and a zero point of shape {list(zero.shape)}", _SCALES_WANTED)
    return _Form(scale, zero, axes.pop() if axes else None, low, high, mode)


def _flag(op: Op, name: str, default: int) -> bool:
    value = op.attr(name, default)
    if not isinstance(value, int) or value not in (0, 1):
        raise Refusal(f"{name} is {value!r}", f"{name} is 0 or 1")
    return bool(value)


def _bits(op: Op) -> int:
    bits = op.scalar(3, "the bit width")
    if bits != int(bits if np.isfinite(bits) else 0) or not 1 <= bits <= _MOST_BITS:
        raise Refusal(f"a bit width of {bits:g}", f"1 to {_MOST_BITS} whole bits are possible")
    return int(bits)


def _finite(op: Op, i: int, what: str) -> NDArray[np.float32]:
    data = op.const(i, what)
    if data.dtype.kind not in "fiu" or not np.isfinite(data).all():
        raise Refusal(f"{what} '{op.node.input[i]}' holds values that are no finite numbers", "export the model again")
    return np.asarray(data, np.float32)


def _check_scale(scale: NDArray[np.float32]) -> None:
    bad = scale[~((scale >= _SCALES[0]) & (scale <= _SCALES[1]))]
    if scale.size == 0 or bad.size:
        found = f"a scale is {bad.reshape(-1)[0]:g}" if bad.size else "the scale is empty"
        raise Refusal(found, f"scales lie between {_SCALES[0]:.1g} and {_SCALES[1]:.1g}")


def _axis(shape: tuple[int, ...], own: tuple[int, ...], what: str) -> int | None:
    """The one axis of a tensor of this shape along which its scales differ; None for a single scale."""
    lead = len(shape) - len(own)
    axes = [lead + i for i, size in enumerate(own) if size != 1]
    if lead < 0 or len(axes) > 1 or any(own[a - lead] != shape[a] for a in axes):
        raise Refusal(f"a {what} of shape {list(own)} does not fit a tensor of shape {list(shape)}", _SCALES_WANTED)
    return axes[0] if axes else None


RULES: dict[str, Callable[[Op], None]] = {"Quant": quant, "IntQuant": quant, "BipolarQuant": bipolar}

"""int8 weights, int32 bias and the channel parameters of everything that multiplies by constant weights (SPEC.md 1.1, 1.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Array, Quant, Tensor
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build, NoRuleError, pair
from edgeq_runtime import rounding

BIAS_LIMIT = 1 << 30
ACCUMULATOR_LIMIT = 1 << 31
_SAME_SCALE = 1e-5  # relative: sources store scales as float32
_DEAD_FACTOR = 2.0**-16  # s_x s_w / s_y of a channel whose weights are all 0: its bias keeps 16 bits below one output step

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Weights:
    """Names of the constants in the int8 graph, and the weights' zero point."""

    weight: str
    rq: str
    zero: int


@dataclass
class _Channels:
    """Rows: output channels. real and q have one row each."""

    real: Float64
    q: Int64
    scale: Float64
    zero: int


def quantize_weights(
    build: Build, node_name: str, weight: Tensor, bias: Tensor, axis: int, x: Affine, y: Affine, expected: Float64 | None = None
) -> Weights:
    """Weights of axis `axis` output channels. UnsupportedError with the numbers where the accumulator could overflow.

    expected: the mean input of every weight, in rows by output channel (or one row for all); what rounding the weights shifts
    in the mean is then taken out of the bias.
    """
    if weight.data is None or bias.data is None:
        raise NoRuleError("its weights or bias are computed at run time")
    real = np.moveaxis(weight.real().astype(np.float64), axis, 0)
    if not (np.isfinite(real).all() and np.isfinite(bias.real()).all()):
        raise UnsupportedError(f"{node_name}: weights or bias hold values that are not finite", "check the source model")
    rows = real.reshape(real.shape[0], -1)
    channels = _imported(weight, axis, rows) or _symmetric(rows, y.scale / x.scale)
    offset = _bias(bias, channels, x.scale, expected)
    bound = _proof(node_name, channels, offset, x)
    factors = x.scale * channels.scale / y.scale
    pairs = [pair(float(f), int(bound[o]), f"{node_name}, channel {o}") for o, f in enumerate(factors)]
    rq = rounding.pack_rq(offset.astype(np.int32), [p["m"] for p in pairs], np.array([p["n"] for p in pairs], np.int8))
    data = np.moveaxis(channels.q.reshape(real.shape), 0, axis).astype(np.int8)
    quant = Quant(channels.scale, np.full(channels.scale.shape, channels.zero, np.int64), axis)
    name = build.add_constant(weight.name, np.ascontiguousarray(data), "s8", quant)
    return Weights(name, build.add_constant(f"{node_name}/rq", rq, "u8"), channels.zero)


def _symmetric(rows: Float64, dead: float) -> _Channels:
    largest = np.abs(rows).max(axis=1)
    scale = np.where(largest > 0, largest / 127, dead * _DEAD_FACTOR)
    return _Channels(rows, _round(rows, scale), scale, 0)


def _round(rows: Float64, scale: Float64) -> Int64:
    return np.clip(np.rint(rows / scale[:, None]), -127, 127).astype(np.int64)


def _imported(weight: Tensor, axis: int, rows: Float64) -> _Channels | None:
    """The integers of the source as they are, where kernels can use them: int8, one zero point, scales on the output axis."""
    quant = weight.quant
    if quant is None or weight.data is None or weight.data.dtype != np.int8 or np.unique(quant.zero).size != 1:
        return None
    if quant.axis not in (None, axis) and quant.scale.size > 1:
        return None
    q = np.moveaxis(weight.data.astype(np.int64), axis, 0).reshape(rows.shape)
    return _Channels(rows, q, np.broadcast_to(quant.scale, rows.shape[:1]).astype(np.float64), int(quant.zero[0]))


def _bias(bias: Tensor, channels: _Channels, x_scale: float, expected: Float64 | None) -> Int64:
    """The bias as integers: those of the source where they fit, else rounded.

    Widens the scale of channels whose bias would be beyond the limit, and rounds their weights again.
    """
    kept, integers = _imported_bias(bias, x_scale * channels.scale)
    real = bias.real().astype(np.float64)
    needed = np.abs(real) / (x_scale * BIAS_LIMIT)
    wide = ~kept & (needed > channels.scale)
    if wide.any():
        channels.scale = np.where(wide, needed, channels.scale)
        q = np.clip(np.rint(channels.real / channels.scale[:, None]) + channels.zero, -128, 127)
        channels.q = np.where(wide[:, None], q.astype(np.int64), channels.q)
    if expected is not None:
        error = channels.real - channels.scale[:, None] * (channels.q - channels.zero)
        real = real + np.cumsum(error * expected, axis=1)[:, -1]  # cumsum adds in order on every machine
    rounded = np.clip(np.rint(real / (x_scale * channels.scale)), -BIAS_LIMIT, BIAS_LIMIT).astype(np.int64)
    return np.where(kept, integers, rounded)


def _imported_bias(bias: Tensor, scale: Float64) -> tuple[NDArray[np.bool_], Int64]:
    """Per channel: whether the source's integer is at this scale and within the limit; the integers."""
    none = np.zeros(scale.shape, np.int64)
    if bias.quant is None or bias.data is None or bias.quant.zero.any():
        return none.astype(np.bool_), none
    integers = np.broadcast_to(bias.data.astype(np.int64), scale.shape)
    same = np.isclose(np.broadcast_to(bias.quant.scale, scale.shape), scale, rtol=_SAME_SCALE, atol=0)
    return same & (np.abs(integers) <= BIAS_LIMIT), integers


def _proof(node_name: str, channels: _Channels, offset: Array, x: Affine) -> Int64:
    """Bound of each channel's accumulator, below 2^31."""
    total = np.abs(channels.q - channels.zero).sum(axis=1)
    bound = np.asarray(total * x.reach + np.abs(offset), np.int64)
    worst = int(bound.argmax())
    if bound[worst] >= ACCUMULATOR_LIMIT:
        raise UnsupportedError(
            f"{node_name}, channel {worst}: the int32 accumulator could overflow: sum of |weights| {total[worst]}"
            f" x activations up to {x.reach} + bias {abs(int(offset[worst]))} = {bound[worst]}, the limit is {ACCUMULATOR_LIMIT - 1}",
            "split the layer along its input channels",
        )
    return bound

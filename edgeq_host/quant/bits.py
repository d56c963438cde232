"""Operators on signs: what turns sums and int8 into bits, and sums of bits into outputs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import SIGN, Attrs, Node
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build, NoRuleError
from edgeq_host.quant.layer import Int64, Layer
from edgeq_host.quant.signs import conditions, exact_bias
from edgeq_host.quant.weights import add_rq, add_weights
from edgeq_host.thresholds import clamped, lowest_integer, scaled
from edgeq_runtime import rounding

_LO, _HI = -128, 127
_QUARTER = (1 << 30, 1)  # m and n of the factor 1/4
_BOUND = 1 << 29  # of a sum, so that it fits with its threshold


def as_signs(x: Affine) -> Affine:
    """The quantization of the bits, -1 and 1, of signs that are SIGN steps of x."""
    return Affine(x.scale * SIGN, 0, 2)


def product(build: Build, node: Node, layer: Layer, offset: Int64, x: Affine, attrs: Attrs) -> None:
    """Signs times signs: bits where a sign alone reads the sum, else int8, or float32 where int8 does not hold an output."""
    out = node.outputs[0]
    if out in build.signs.behind:
        _to_bits(build, node, layer, x, attrs)
    elif out in build.signs.finished:
        _to_float(build, node, layer, x, attrs)
    else:
        y = build.affine(out)
        (weight,) = add_weights(build, node, build.tensor(node.inputs[1]), layer, 0)
        inputs = [build.b1(node.inputs[0]), weight, add_rq(build, node, layer, offset, x, y)]
        attrs = attrs | {"y_zero": y.zero, **y.clamp(node.attrs["lo"], node.attrs["hi"])}
        build.emit(_of_bits(node), node.name, inputs, build.output(out), attrs)


def _of_bits(node: Node) -> str:
    return node.op.replace("_f32", "_b1")


def _to_bits(build: Build, node: Node, layer: Layer, x: Affine, attrs: Attrs) -> None:
    """Channels that fall with the sum have their weights negated: where sum < t, -sum >= 1 - t."""
    t, turn = _thresholds(build, node, layer, x)
    layer.q = layer.q * turn[:, None]
    (weight,) = add_weights(build, node, build.tensor(node.inputs[1]), layer, 0)
    table = build.add_constant(f"{node.name}/thresholds", np.where(turn < 0, 1 - t, t).astype(np.int32), "s32")
    bits = build.output_b1(build.signs.behind[node.outputs[0]].outputs[0])
    build.emit(_of_bits(node), node.name, [build.b1(node.inputs[0]), weight, table], bits, attrs | _unused())


def _unused() -> Attrs:
    return {"y_zero": 0, "lo": _LO, "hi": _HI}


def sum_with_sign(build: Build, node: Node, layer: Layer, x: Affine, axis: int, attrs: Attrs) -> None:
    """An int8 layer that makes bits: floor((sum - t) / 4), clamped to -1 and 0, which sign_b1 packs."""
    t, turn = _thresholds(build, node, layer, x)
    weight, *multipliers = add_weights(build, node, build.tensor(node.inputs[1]), layer, axis)
    m, n = (np.full(len(t), v) for v in _QUARTER)
    blob = build.add_constant(f"{node.name}/rq", rounding.pack_rq((-t - 2).astype(np.int32), m, n.astype(np.int8)), "u8")
    below = build.between(f"{node.outputs[0]}/below", build.tensor(node.outputs[0]).shape, Affine(1.0, 0))
    attrs = attrs | {"x_zero": x.zero, "w_zero": layer.zero, "y_zero": 0, "lo": -1, "hi": 0}
    inputs = [build.integers(node.inputs[0]), weight, blob, *multipliers]
    build.emit(node.op.replace("_f32", "_s8"), node.name, inputs, below, attrs)
    _sign(build, build.signs.behind[node.outputs[0]], below, np.zeros(len(t), np.int64), turn)


def sign_of_int8(build: Build, node: Node) -> None:
    """A sign of an int8 activation."""
    name = node.inputs[0]
    if name not in build.quants:
        raise NoRuleError("what it reads computes in float32")
    x, channels = build.affine(name), (build.tensor(name).shape or (1,))[-1]
    found = [scaled(*c, Fraction(x.scale), -Fraction(x.scale) * x.zero) for c in conditions(build.source, node, channels)]
    t = np.array([lowest_integer(holds, _LO, _HI) for holds, _ in found], np.int64)
    _sign(build, node, build.integers(name), t, np.array([turn for _, turn in found], np.int64))


def _sign(build: Build, node: Node, x: str, t: Int64, turn: Int64) -> None:
    inputs = [x, build.add_constant(f"{node.name}/thresholds", t.astype(np.int16), "s16")]
    if np.any(turn < 0):
        inputs.append(build.add_constant(f"{node.name}/turn", turn.astype(np.int8), "b1"))
    build.emit("sign_b1", node.name, inputs, build.output_b1(node.outputs[0]))


def _thresholds(build: Build, node: Node, layer: Layer, x: Affine) -> tuple[Int64, Int64]:
    """From which integer sum (without bias) on the sign behind each channel is +1, or where the second says -1, is -1.

    A threshold is at most one beyond what the sum can be.
    """
    sign, most = build.signs.behind[node.outputs[0]], np.abs(layer.counts).sum(axis=1) * x.reach
    if most.max() >= _BOUND:
        found = f"{node.name}: a sign reads sums of up to {most.max()}, {_BOUND - 1} are possible"
        raise UnsupportedError(found, "split the layer along its input channels")
    shift = np.zeros(len(most)) if layer.shift is None else layer.shift
    bias = exact_bias(build.tensor(node.inputs[2]))
    pairs = []
    for i, (holds, turn) in enumerate(conditions(build.source, sign, len(most))):
        step, added = Fraction(x.scale) * Fraction(float(layer.scale[i])), bias[i] + Fraction(float(shift[i]))
        inside, turn = scaled(clamped(holds, node.attrs["lo"], node.attrs["hi"]), turn, step, added)
        pairs.append((lowest_integer(inside, -int(most[i]), int(most[i])), turn))
    return np.array([t for t, _ in pairs], np.int64), np.array([turn for _, turn in pairs], np.int64)


def _to_float(build: Build, node: Node, layer: Layer, x: Affine, attrs: Attrs) -> None:
    """Sums of bits as int8 without loss, then scale and bias of each channel in float32: an output of the graph."""
    out, step = node.outputs[0], build.signs.finished[node.outputs[0]]
    shape, channels = build.tensor(out).shape, len(layer.scale)
    m, n = (np.full(channels, v) for v in rounding.multiplier(1.0 / step))
    (weight,) = add_weights(build, node, build.tensor(node.inputs[1]), layer, 0)
    blob = build.add_constant(f"{node.name}/rq", rounding.pack_rq(np.zeros(channels, np.int32), m, n.astype(np.int8)), "u8")
    sums = build.between(f"{out}/sums", shape, Affine(float(step), 0))
    build.emit(_of_bits(node), node.name, [build.b1(node.inputs[0]), weight, blob], sums, attrs | _unused())
    real, scaled_sums = (build.between_f32(f"{out}/{role}", shape) for role in ("real", "scaled"))
    build.emit("dequantize_s8", f"{out}/dequantize", [sums], real, {"scale": float(step), "zero": 0})
    unit = x.scale * layer.scale
    odd = layer.q.shape[1] % 2 if step == 2 else 0  # half of an odd sum was rounded up
    bias = np.array([float(b) for b in exact_bias(build.tensor(node.inputs[2]))]) - unit * odd
    factors = [build.add_constant(f"{node.name}/{role}", v.astype(np.float32), "f32") for role, v in (("unit", unit), ("bias", bias))]
    free = {"lo": -np.inf, "hi": np.inf}
    build.emit("mul_f32", f"{out}/scale", [real, factors[0]], scaled_sums, free)
    build.emit("add_f32", f"{out}/bias", [scaled_sums, factors[1]], build.output_f32(out), free)

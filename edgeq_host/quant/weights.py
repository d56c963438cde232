"""Integer weights, int32 bias and the channel parameters of everything that multiplies by constant weights (SPEC.md 1.1, 1.2)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Array, Attrs, Graph, Node, Quant, Tensor
from edgeq_host.quant import ends, methods, window
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build, NoRuleError
from edgeq_host.quant.layer import MULTIPLIER_MAX, Float64, Int64, Layer, widest_ranges
from edgeq_host.quant.precision import WEIGHTS, Kind
from edgeq_host.quant.widths import Width
from edgeq_runtime import rounding

BIAS_LIMIT = 1 << 30
ACCUMULATOR_LIMIT = 1 << 31
_SAME_SCALE = 1e-5  # relative: sources store scales as float32
_DEAD_FACTOR = 2.0**-16  # s_x s_w / s_y of a channel whose weights are all 0: its bias keeps 16 bits below one output step
_LEAST_FACTOR = 2.0**-31  # of a wide sum: above the smallest that is not 0
_RESERVE = 1.125  # of the accumulator, for steps that round otherwise than to nearest


@dataclass(frozen=True)
class Weights:
    """Names of the constants in the int8 graph, in the order of the operator's inputs, and the weights' zero point."""

    names: tuple[str, ...]
    zero: int


def quantize_weights(build: Build, node: Node, weight: Tensor, bias: Tensor, axis: int) -> Weights:
    """Weights of axis `axis` output channels. UnsupportedError with the numbers where the accumulator could overflow."""
    x, y = build.affine(node.inputs[0]), build.affine(node.outputs[0])
    layer, offset = choose(build, node, weight, bias, axis, x, y)
    w, *multipliers = add_weights(build, node, weight, layer, axis)
    return Weights((w, add_rq(build, node, layer, offset, x, y), *multipliers), layer.zero)


def choose(build: Build, node: Node, weight: Tensor, bias: Tensor, axis: int, x: Affine, y: Affine) -> tuple[Layer, Int64]:
    """The integers of weights and bias, for inputs and outputs of these quantizations."""
    rows, width, needed = rows_of(node, weight, bias, axis), build.width(node), least(bias, x, y)
    layer = _imported(build, node, weight, axis, rows, width, needed)
    layer = layer or _chosen(build, node, needed, rows, width, x, dead(x, y))
    return layer, biases(build, bias, layer, x.scale, needed)


def rows_of(node: Node, weight: Tensor, bias: Tensor, axis: int) -> Float64:
    """The weights, a row per output channel; NoRuleError, UnsupportedError for what cannot be quantized."""
    if weight.data is None or bias.data is None:
        raise NoRuleError("its weights or bias are computed at run time")
    real = np.moveaxis(weight.real().astype(np.float64), axis, 0)
    if not (np.isfinite(real).all() and np.isfinite(bias.real()).all()):
        raise UnsupportedError(f"{node.name}: weights or bias hold values that are not finite", "check the source model")
    return real.reshape(real.shape[0], -1)


def add_weights(build: Build, node: Node, weight: Tensor, layer: Layer, axis: int) -> tuple[str, ...]:
    """The constant of the weights, and that of the multipliers where there are groups."""
    q, multipliers = _place_holders(build, weight, layer) if build.dry and not layer.kept else (layer.q, layer.multipliers)
    moved = np.moveaxis(np.empty(weight.shape, np.int8), axis, 0)
    data = np.moveaxis(q.reshape(moved.shape), 0, axis).astype(np.int8)
    quant = Quant(layer.scale, np.full(layer.scale.shape, layer.zero, np.int64), axis)
    name = build.add_constant(weight.name, np.ascontiguousarray(data), layer.kind.dtype, quant)
    if multipliers is None:
        return (name,)
    height, across = window.kernel(build.source, node)
    shaped = multipliers.reshape(len(q), height * across, -1).astype(np.uint8)
    return name, build.add_constant(f"{node.name}/multipliers", shaped, "u8")


def add_rq(build: Build, node: Node, layer: Layer, offset: Int64, x: Affine, y: Affine) -> str:
    """The constant of the channel parameters. UnsupportedError with the numbers where the accumulator could overflow."""
    pairs = proven(build, node, layer, offset, x, y)
    rq = rounding.pack_rq(offset.astype(np.int32), [p["m"] for p in pairs], np.array([p["n"] for p in pairs], np.int8))
    return build.add_constant(f"{node.name}/rq", rq, "u8")


def proven(build: Build, node: Node, layer: Layer, offset: Int64, x: Affine, y: Affine) -> list[Attrs]:
    """m and n of every channel. UnsupportedError with the numbers where the accumulator could overflow."""
    bound = _proof(layer, offset, x)
    return [build.pair(float(f), int(bound[o]), f"{node.name}, channel {o}") for o, f in enumerate(x.scale * layer.scale / y.scale)]


def _chosen(build: Build, node: Node, needed: Float64, rows: Float64, width: Width, x: Affine, dead: float) -> Layer:
    """Integers by the steps of the recipe. needed: the least scales that keep the biases small; dead: of channels without weights."""
    assert width.kind is not None
    columns = _groups(build, node, width.group, rows.shape[1])
    layer = Layer(node.name, width.kind, rows, columns, widest_ranges(rows, columns, width.kind, dead), build.seen(node))
    if not build.dry:
        methods.apply("ranges", layer, build.steps)
    top = MULTIPLIER_MAX
    layer.fix(needed, top)
    while layer.multipliers is not None and top > 1 and _near_the_limit(layer, needed, x):
        top //= 2
        layer.fix(needed, top)
    if not build.dry:
        methods.apply("rounding", layer, build.steps)
    return layer


def _place_holders(build: Build, weight: Tensor, layer: Layer) -> tuple[Int64, Int64 | None]:
    """Integers of the right kind and multipliers, equal to others where the steps of the recipe would choose equal ones."""
    q = _drawn(build, "rounding", weight, layer).integers(layer.kind.low, layer.kind.high + 1, layer.q.shape)
    multipliers = layer.multipliers
    if multipliers is not None and methods.touching("ranges", layer.kind, build.steps):
        multipliers = _drawn(build, "ranges", weight, layer).integers(1, MULTIPLIER_MAX + 1, multipliers.shape)
    return np.where(q < 0, -1, 1) if layer.kind.signs else q, multipliers


def _drawn(build: Build, stage: str, weight: Tensor, layer: Layer) -> np.random.Generator:
    """A generator that is another wherever something is that the steps of a stage look at."""
    seen = any(methods.collects(method) for method, _ in methods.touching(stage, layer.kind, build.steps))
    decides = (weight.name, layer.kind, int(layer.columns.max()), layer.name if seen else "")
    return np.random.default_rng(zlib.crc32(repr(decides).encode()))


def _groups(build: Build, node: Node, size: int, count: int) -> Int64:
    """The group of every column."""
    if not size:
        return np.zeros(count, np.int64)
    inputs = window.depth(build.source, node)
    return np.arange(count) // inputs * -(-inputs // size) + np.arange(count) % inputs // size


def _imported(build: Build, node: Node, weight: Tensor, axis: int, rows: Float64, width: Width, needed: Float64) -> Layer | None:
    """The integers of the source as they are, where kernels can use them: int8, one zero point, scales on the output axis, and no wider
    than they shall be."""
    quant = weight.quant
    if quant is None or weight.data is None or weight.data.dtype != np.int8 or np.unique(quant.zero).size != 1:
        return None
    if build.wide and quant.zero.any():  # operators of int16 take none
        return None
    kind = _narrowest(node, weight.data, int(quant.zero[0]))
    if width.kind is None or kind.bits > width.kind.bits or (quant.axis not in (None, axis) and quant.scale.size > 1):
        return None
    scale = np.broadcast_to(quant.scale, rows.shape[:1]).astype(np.float64)
    if kind.bits < 8 and np.any(needed > scale):  # the scale would grow, and the integers be others
        return None
    layer = Layer(node.name, kind, rows, np.zeros(rows.shape[1], np.int64), scale[:, None], build.seen(node))
    layer.q = np.moveaxis(weight.data.astype(np.int64), axis, 0).reshape(rows.shape)
    layer.scale, layer.zero, layer.kept = scale, int(quant.zero[0]), True
    return layer


def source_bits(graph: Graph, node: Node) -> int | None:
    """How many bits the weights of a layer have that its source gives as integers; None of other nodes."""
    weight = graph.tensors[node.inputs[1]] if ends.is_layer(graph, node) else None
    if weight is None or weight.quant is None or weight.data is None or weight.data.dtype != np.int8:
        return None
    return _narrowest(node, weight.data, int(np.abs(weight.quant.zero).max())).bits


def _narrowest(node: Node, q: Array, zero: int) -> Kind:
    """The kind whose storage holds these integers; those that the quantizer itself does not write too."""
    if zero:
        return WEIGHTS["8"]
    if node.op != "depthwise_conv2d_f32":
        if np.all((q == 1) | (q == -1)):
            return WEIGHTS["1"]
        if q.min() >= -2 and q.max() <= 1:
            return WEIGHTS["2"]
    return WEIGHTS["4"] if q.min() >= -8 and q.max() <= 7 else WEIGHTS["8"]


def least(bias: Tensor, x: Affine, y: Affine) -> Float64:
    """The smallest scale of each channel: its bias is within the limit, and a wide sum is not lost for want of shifts (SPEC.md 1.2)."""
    needed = np.abs(bias.real().astype(np.float64)) / (x.scale * BIAS_LIMIT)
    return np.maximum(needed, y.scale / x.scale * _LEAST_FACTOR) if x.dtype == "s16" else needed


def dead(x: Affine, y: Affine) -> float:
    """The scale of a channel whose weights are all 0."""
    return y.scale / x.scale * _DEAD_FACTOR


def biases(build: Build, bias: Tensor, layer: Layer, x_scale: float, needed: Float64) -> Int64:
    """The bias as integers: those of the source where they fit, else rounded.

    Widens the scale of imported channels whose bias would be beyond the limit, and rounds their weights again.
    """
    kept, integers = _imported_bias(bias, x_scale * layer.scale)
    real = bias.real().astype(np.float64)
    wide = ~kept & (needed > layer.scale)
    if wide.any():
        layer.scale = np.where(wide, needed, layer.scale)
        q = np.clip(np.rint(layer.real / layer.scale[:, None]) + layer.zero, -128, 127)
        layer.q = np.where(wide[:, None], q.astype(np.int64), layer.q)
    methods.apply("bias", layer, build.steps)
    if layer.shift is not None:
        real = real + layer.shift
    rounded = np.clip(np.rint(real / (x_scale * layer.scale)), -BIAS_LIMIT, BIAS_LIMIT).astype(np.int64)
    return np.where(kept, integers, rounded)


def _imported_bias(bias: Tensor, scale: Float64) -> tuple[NDArray[np.bool_], Int64]:
    """Per channel: whether the source's integer is at this scale and within the limit; the integers."""
    none = np.zeros(scale.shape, np.int64)
    if bias.quant is None or bias.data is None or bias.quant.zero.any():
        return none.astype(np.bool_), none
    integers = np.broadcast_to(bias.data.astype(np.int64), scale.shape)
    same = np.isclose(np.broadcast_to(bias.quant.scale, scale.shape), scale, rtol=_SAME_SCALE, atol=0)
    return same & (np.abs(integers) <= BIAS_LIMIT), integers


def _most(layer: Layer, x: Affine) -> Int64:
    """What the products of each channel can add up to."""
    return np.asarray(np.abs(layer.counts).sum(axis=1) * x.reach, np.int64)


def _near_the_limit(layer: Layer, needed: Float64, x: Affine) -> bool:
    """Whether finer multipliers of groups make sums too large; steps that come may round otherwise than to nearest."""
    return bool((_most(layer, x) * _RESERVE + needed / layer.scale * BIAS_LIMIT >= ACCUMULATOR_LIMIT).any())


def _proof(layer: Layer, offset: Int64, x: Affine) -> Int64:
    """Bound of each channel's accumulator, below 2^31; one of int16 is far below 2^47."""
    bound = np.asarray(_most(layer, x) + np.abs(offset), np.int64)
    worst = int(bound.argmax())
    if x.dtype == "s8" and bound[worst] >= ACCUMULATOR_LIMIT:
        total = int(bound[worst]) - abs(int(offset[worst]))
        raise UnsupportedError(
            f"{layer.name}, channel {worst}: the int32 accumulator could overflow: sum of |weights| {total // x.reach}"
            f" x activations up to {x.reach} + bias {abs(int(offset[worst]))} = {bound[worst]}, the limit is {ACCUMULATOR_LIMIT - 1}",
            "split the layer along its input channels",
        )
    return bound

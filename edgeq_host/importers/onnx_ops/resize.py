"""Resize and Upsample: tables of source rows and columns, made here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeq_host.graph import Array
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.reduce import normalized
from edgeq_host.importers.onnx_ops.shape import integers

_MAX_SIDE = 1 << 16

_ROUND: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


@dataclass(frozen=True)
class Axis:
    """One resized axis: its old and new length and the factor between them."""

    old: int
    new: int
    scale: float
    start: float = 0.0
    end: float = 1.0


def _half_pixel(x: Array, a: Axis) -> Array:
    return (x + 0.5) / a.scale - 0.5


def _symmetric(x: Array, a: Axis) -> Array:
    adjustment = a.new / (a.scale * a.old)
    return a.old / 2 * (1 - adjustment) + (x + 0.5) / a.scale - 0.5


def _corners(x: Array, a: Axis) -> Array:
    """The new length counts before it is rounded down."""
    length = a.scale * a.old if a.scale * a.old - a.new > 1e-3 else a.new
    return x * (a.old - 1) / (length - 1) if a.new > 1 else x * 0.0


def _crop(x: Array, a: Axis) -> Array:
    if a.new == 1:
        return x * 0.0 + 0.5 * (a.start + a.end) * (a.old - 1)
    return a.start * (a.old - 1) + x * (a.end - a.start) * (a.old - 1) / (a.new - 1)


_COORDINATES: dict[str, Callable[[Array, Axis], Array]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda x, a: _half_pixel(x, a) if a.new > 1 else x * 0.0,
    "align_corners": _corners,
    "asymmetric": lambda x, a: x / a.scale,
    "tf_half_pixel_for_nn": lambda x, a: (x + 0.5) / a.scale,
    "tf_crop_and_resize": _crop,
}


def upsample(op: Op) -> None:
    mode = op.attr("mode", "nearest")
    scales = list(op.attr("scales")) if op.attr("scales") is not None else [float(v) for v in op.const(1, "the scales").reshape(-1)]
    _resize(op, mode, "asymmetric", "floor", _by_scales(op, scales, list(range(len(op.shape(0))))))


def resize(op: Op) -> None:
    mode = op.attr("mode", "nearest")
    if op.opset < 11:
        scales = [float(v) for v in op.const(1, "the scales").reshape(-1)]
        _resize(op, mode, "asymmetric", "floor", _by_scales(op, scales, list(range(len(op.shape(0))))))
        return
    if op.attr("antialias", 0):
        raise Refusal("antialias is not supported", "resize with antialias=0")
    coordinates = op.attr("coordinate_transformation_mode", "half_pixel")
    _resize(op, mode, coordinates, op.attr("nearest_mode", "round_prefer_floor"), _axes(op))


def _axes(op: Op) -> list[Axis]:
    rank = len(op.shape(0))
    chosen = normalized([int(a) for a in op.attr("axes") or range(rank)], rank)
    if op.has(3) and op.const(3, "the sizes").size:
        found = _by_sizes(op, op.ints(3, "the sizes"), chosen)
    else:
        found = _by_scales(op, [float(v) for v in op.const(2, "the scales").reshape(-1)], chosen)
    if op.attr("coordinate_transformation_mode") == "tf_crop_and_resize":
        roi = op.const(1, "the region").reshape(-1)
        if roi.size != 2 * len(chosen):
            raise Refusal(f"the region has {roi.size} entries, expected {2 * len(chosen)}")
        for k, a in enumerate(chosen):
            found[a] = Axis(found[a].old, found[a].new, found[a].scale, float(roi[k]), float(roi[k + len(chosen)]))
    return found


def _by_scales(op: Op, scales: list[float], chosen: list[int]) -> list[Axis]:
    shape = op.shape(0)
    if len(scales) != len(chosen) or not all(0 < s < _MAX_SIDE for s in scales):
        raise Refusal(f"scales {scales} do not fit {len(chosen)} axes")
    factor = {a: float(np.float32(s)) for a, s in zip(chosen, scales, strict=True)}
    return [Axis(d, math.floor(d * factor.get(i, 1.0)), factor.get(i, 1.0)) for i, d in enumerate(shape)]


def _by_sizes(op: Op, sizes: list[int], chosen: list[int]) -> list[Axis]:
    shape = op.shape(0)
    if len(sizes) != len(chosen):
        raise Refusal(f"sizes {sizes} do not fit {len(chosen)} axes")
    wanted = dict(zip(chosen, sizes, strict=True))
    policy = op.attr("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return [Axis(d, wanted.get(i, d), wanted.get(i, d) / d) for i, d in enumerate(shape)]
    pick = min if policy == "not_larger" else max
    scale = pick(size / shape[a] for a, size in wanted.items())
    return [Axis(d, math.floor(scale * d + 0.5), scale) if i in wanted else Axis(d, d, 1.0) for i, d in enumerate(shape)]


def _resize(op: Op, mode: str, coordinates: str, rounding: str, axes: list[Axis]) -> None:
    if mode not in ("nearest", "linear", "bilinear") or coordinates not in _COORDINATES or rounding not in _ROUND:
        raise Refusal(f"mode '{mode}' with '{coordinates}' and '{rounding}' is not supported", "nearest and linear are possible")
    if any(not 1 <= a.new <= _MAX_SIDE for a in axes):
        raise Refusal(f"the new size {[a.new for a in axes]} is out of range")
    sources = [_source(a, mode, coordinates, rounding) for a in axes]
    changed = [i for i, a in enumerate(axes) if a.new != a.old or not np.array_equal(sources[i], np.arange(a.old))]
    if not changed:
        op.alias()
        return
    if len(changed) > 2:
        raise Refusal(f"resizes {len(changed)} axes, at most 2 are possible")
    x = op.any(0) if mode == "nearest" or integers(op) else op.tensor(0)
    op.done(along(op, x, mode, changed, dict(enumerate(sources))), integers=integers(op))


def _source(axis: Axis, mode: str, coordinates: str, rounding: str) -> Array:
    """For every new position the old one it reads, a fraction for linear."""
    position = _COORDINATES[coordinates](np.arange(axis.new, dtype=np.float64), axis)
    if coordinates == "tf_crop_and_resize" and ((position < 0) | (position > axis.old - 1)).any():
        raise Refusal("reads outside of the image", "give a region inside [0, 1]")
    return np.asarray(np.clip(_ROUND[rounding](position) if mode == "nearest" else position, 0, axis.old - 1))


def along(op: Op, x: str, mode: str, changed: list[int], sources: dict[int, Array]) -> str:
    """Bring one or two axes to [N, H, W, C], resize there, and bring them back. `sources`: by axis the places that it reads."""
    dims = op.builder.shape(x)
    others = [i for i in range(len(dims)) if i not in changed]
    perm = others[:1] + changed + others[1:]
    moved = op.transpose(x, perm, "nhwc")
    pair = changed if len(changed) == 2 else [None, changed[0]]
    n = math.prod(dims[i] for i in others[:1])
    c = math.prod(dims[i] for i in others[1:])
    old = [1 if i is None else dims[i] for i in pair]
    tables = [np.zeros(1) if i is None else sources[i] for i in pair]
    image = op.reshape(moved, (n, *old, c), "image")
    y = _emit(op, image, (n, tables[0].size, tables[1].size, c), mode, tables)
    flat = op.reshape(y, [sources[i].size if i in changed else dims[i] for i in perm], "flat")
    return op.transpose(flat, [perm.index(i) for i in range(len(dims))], "back")


def _emit(op: Op, x: str, shape: tuple[int, ...], mode: str, tables: list[Array]) -> str:
    rows, cols = (op.constant(np.floor(t).astype(np.int32), name) for t, name in zip(tables, ("rows", "cols"), strict=True))
    if mode == "nearest":
        return op.emit("resize_nearest", [x, rows, cols], shape, quant=op.moved(x))
    row_w, col_w = (op.constant((t - np.floor(t)).astype(np.float32), name) for t, name in zip(tables, ("row_w", "col_w"), strict=True))
    return op.emit("resize_bilinear_f32", [x, rows, row_w, cols, col_w], shape, quant=op.moved(x) if integers(op) else None)

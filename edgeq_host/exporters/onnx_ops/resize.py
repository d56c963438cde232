"""Resizing: the tables of rows and columns become indices, a mode of Resize that has the same ones, or two products of matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq_host.exporters.onnx_build import NCHW, Build, Refusal
from edgeq_host.graph import Array, Node

_PLACE_BITS, _ONE = 12, 2048
_MODES: dict[str, Callable[[Array, int, int], Array]] = {
    "half_pixel": lambda x, old, new: (x + 0.5) * old / new - 0.5,
    "asymmetric": lambda x, old, new: x * old / new,
    "align_corners": lambda x, old, new: x * (old - 1) / max(new - 1, 1),
}


def _tables(b: Build, node: Node) -> tuple[Array, Array]:
    rows, cols = (b.graph.tensors[name].data for name in node.inputs[1:3])
    if rows is None or cols is None:
        raise Refusal("its places are computed at run time")
    return np.asarray(rows), np.asarray(cols)


def resize_nearest(b: Build, node: Node) -> None:
    name = f"{node.outputs[0]}/real"
    y = b.real(node.inputs[0], NCHW)
    for places, axis, what in zip(_tables(b, node), (2, 3), ("rows", "columns"), strict=True):
        y = b.node("Gather", [y, b.constant(places.astype(np.int64), f"{name}/{what}")], f"{name}/of_{what}", axis=axis)
    b.write(node, y, NCHW)


def resize_bilinear(b: Build, node: Node) -> None:
    tables, old, new = _tables(b, node), b.shape(node.inputs[0]), b.shape(node.outputs[0])
    places = [(t >> _PLACE_BITS) + (t & ((1 << _PLACE_BITS) - 1)) / _ONE for t in tables]
    x, name = b.real(node.inputs[0], NCHW), f"{node.outputs[0]}/real"
    mode = next((m for m in _MODES if all(_same(m, p, old[i], new[i]) for i, p in enumerate(places, 1))), None)
    if mode is not None:
        sizes = b.constant(np.array([new[a] for a in NCHW], np.int64), f"{name}/sizes")
        y = b.node("Resize", [x, "", "", sizes], name, mode="linear", coordinate_transformation_mode=mode)
    else:
        rows, cols = (_matrix(p, old[i]) for i, p in enumerate(places, 1))
        tall = b.node("MatMul", [b.constant(rows, f"{name}/rows"), x], f"{name}/of_rows")
        y = b.node("MatMul", [tall, b.constant(cols.T, f"{name}/columns")], name)
    b.write(node, y, NCHW)


def _same(mode: str, places: Array, old: int, new: int) -> bool:
    """To a step of the weights' 11 bits."""
    exact = np.clip(_MODES[mode](np.arange(new, dtype=np.float64), old, new), 0, old - 1)
    return bool(np.abs(exact - places).max() <= 1 / _ONE)


def _matrix(places: Array, old: int) -> Array:
    """[new, old] with the two weights of every new place."""
    found = np.zeros((places.size, old), np.float32)
    low = np.floor(places).astype(np.int64)
    weight = places - low
    at = np.arange(places.size)
    found[at, low] += 1 - weight
    found[at, np.minimum(low + 1, old - 1)] += weight
    return found


RULES = {"resize_nearest": resize_nearest, "resize_bilinear_s8": resize_bilinear}

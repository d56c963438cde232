"""Resizing of images: rows and columns are worked out here, as float32 like the source's own kernels."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Array, Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.context import Step
from edgeq_host.importers.tflite_ops.window import image

MAX_SIDE = 2**20  # a row needs a table entry


def _sizes(step: Step) -> tuple[int, int]:
    size = step.ints(1)
    if len(size) != 2 or not all(1 <= s <= MAX_SIDE for s in size):
        raise Refusal(f"size {size}; expected height and width from 1 to {MAX_SIDE}")
    return size[0], size[1]


def _scale(step: Step, source: int, target: int) -> np.float32:
    if step.options["AlignCorners"] and target > 1:
        return np.float32(source - 1) / np.float32(target - 1)
    return np.float32(source) / np.float32(target)


def bilinear(step: Step) -> None:
    x, (height, width) = image(step, 0), _sizes(step)
    n, h, w, c = x.shape
    tables = [*_between(step, h, height), *_between(step, w, width)]
    constants = [step.constant(t, f"/{name}") for t, name in zip(tables, ("rows", "row_w", "cols", "col_w"), strict=True)]
    step.emit("resize_bilinear_f32", [x, *constants], (n, height, width, c))


def _between(step: Step, source: int, target: int) -> tuple[Array, Array]:
    """For every output the input before it and the weight of the one behind."""
    half = np.float32(0.5 if step.options["HalfPixelCenters"] else 0.0)
    place = (np.arange(target, dtype=np.float32) + half) * _scale(step, source, target) - half
    low = np.clip(np.floor(place), 0, source - 1)
    weight = np.where((place < 0) | (low == source - 1), np.float32(0), place - low)
    return low.astype(np.int32), weight.astype(np.float32)


def nearest(step: Step) -> None:
    x, (height, width) = image_of_any_type(step), _sizes(step)
    n, h, w, c = x.shape
    rows, cols = (step.constant(_nearest(step, s, t), name) for s, t, name in ((h, height, "/rows"), (w, width, "/cols")))
    step.emit("resize_nearest", [x, rows, cols], (n, height, width, c))


def image_of_any_type(step: Step) -> Tensor:
    x = step.input(0)
    if len(x.shape) != 4:
        raise Refusal(f"its input has the shape {list(x.shape)}; expected [N, H, W, C]")
    return x


def _nearest(step: Step, source: int, target: int) -> Array:
    half = np.float32(0.5 if step.options["HalfPixelCenters"] else 0.0)
    place = (np.arange(target, dtype=np.float32) + half) * _scale(step, source, target)
    chosen = np.floor(place + np.float32(0.5)) if step.options["AlignCorners"] else np.floor(place)
    return np.asarray(np.clip(chosen, 0, source - 1), np.int32)

"""Pooling over windows and over whole images."""

from __future__ import annotations

from edgeq_host.graph import Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops import window
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.layout import from_nhwc, rank_of_image, to_nhwc, two
from edgeq_host.importers.onnx_ops.shape import integers


def max_pool(op: Op) -> None:
    """Of integers too: the largest integer is the largest real value."""
    op.refuse_outputs(1)
    rank = rank_of_image(op)
    x, win, attrs = _windowed(op, op.any(0) if integers(op) else op.tensor(0), rank)
    n, _, _, c = op.builder.shape(x)
    y = op.emit("max_pool2d_f32", [x], (n, *win.out, c), attrs, quant=op.moved(x) if integers(op) else None)
    op.done(from_nhwc(op, y, rank), integers=integers(op))


def average_pool(op: Op) -> None:
    op.done(averaged(op, op.tensor(0), None))


def averaged(op: Op, x: str, quant: Quant | None) -> str:
    """The average over every window, in ONNX's layout on both sides."""
    rank = rank_of_image(op)
    x, win, attrs = _windowed(op, x, rank)
    if op.attr("count_include_pad", 0):
        if any(win.extra):
            x, attrs = _pad_apart(op, x, win, attrs)
        else:
            attrs["include_pad"] = 1
    n, _, _, c = op.builder.shape(x)
    return from_nhwc(op, op.emit("avg_pool2d_f32", [x], (n, *win.out, c), attrs, quant=quant), rank)


def _windowed(op: Op, x: str, rank: int) -> tuple[str, window.Window, dict[str, int]]:
    """The image with its channels last, the node's window over it, and the attributes that say so."""
    image = to_nhwc(op, x)
    kernel = two(op.need("kernel_shape"), 1, "kernel_shape", rank)
    win = window.read(op, op.builder.shape(image)[1:3], kernel, rank)
    return image, win, {"kernel_h": kernel[0], "kernel_w": kernel[1], **win.attrs()}


def _pad_apart(op: Op, x: str, win: window.Window, attrs: dict[str, int]) -> tuple[str, dict[str, int]]:
    """Declared padding counts, that of ceil_mode does not: the declared one becomes a node of its own."""
    n, h, w, c = op.builder.shape(x)
    (top, left), (bottom, right) = win.before, win.after
    shape = (n, h + top + bottom, w + left + right, c)
    padded = op.emit("pad", [x], shape, {"before": [0, top, left, 0], "after": [0, bottom, right, 0]}, role="pad", quant=op.moved(x))
    return padded, {**attrs, "pad_top": 0, "pad_left": 0, "pad_bottom": win.extra[0], "pad_right": win.extra[1]}


def global_max(op: Op) -> None:
    _global(op, "max_pool2d_f32")


def global_average(op: Op) -> None:
    _global(op, "avg_pool2d_f32")


def _global(op: Op, operator: str) -> None:
    rank = len(op.shape(0))
    if rank < 3:
        raise Refusal(f"needs spatial dimensions, the input is {list(op.shape(0))}")
    if rank > 4:
        _global_by_reduce(op, operator, rank)
        return
    op.done(whole_image(op, operator, op.tensor(0), None))


def whole_image(op: Op, operator: str, x: str, quant: Quant | None) -> str:
    """One window over all of x, in ONNX's layout on both sides."""
    rank = len(op.builder.shape(x))
    image = to_nhwc(op, x)
    n, h, w, c = op.builder.shape(image)
    return from_nhwc(op, op.emit(operator, [image], (n, 1, 1, c), {"kernel_h": h, "kernel_w": w}, quant=quant), rank)


def _global_by_reduce(op: Op, operator: str, rank: int) -> None:
    n, c = op.shape(0)[:2]
    axes = sum(1 << i for i in range(2, rank))
    kind = 2 if operator == "max_pool2d_f32" else 1
    op.done(op.emit("reduce_f32", [op.tensor(0)], (n, c, *[1] * (rank - 2)), {"kind": kind, "axes": axes}))

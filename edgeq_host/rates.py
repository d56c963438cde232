"""How many multiply-adds a second a board does, measured with small networks that lie in its memory for a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Attrs, Edge, Graph, Node, Quant, Tensor
from edgeq_host.link import QUIET_S
from edgeq_host.profile import profile
from edgeq_host.targets import Target

RUNS, WARMUP = 30, 5
# Of the float32 or int8 operator: shapes of input, weights and output, and its attributes beside types and clamps.
_WINDOW: Attrs = {
    "stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "pad_top": 1, "pad_left": 1, "pad_bottom": 1, "pad_right": 1
}  # fmt: skip
_CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], Attrs]] = {
    "conv2d": ((1, 12, 12, 32), (32, 3, 3, 32), (1, 12, 12, 32), {**_WINDOW, "groups": 1}),
    "depthwise_conv2d": ((1, 12, 12, 64), (3, 3, 64), (1, 12, 12, 64), _WINDOW),
    "fully_connected": ((1, 256), (128, 256), (1, 128), {}),
}
_LIKE = {"transpose_conv2d": "conv2d", "matmul": "conv2d"}  # operators whose rate is taken from another's


@dataclass(frozen=True)
class Rate:
    """Multiply-adds a second of one operator on one board."""

    op: str
    macs_per_s: float


def like(op: str) -> str | None:
    """The operator whose rate stands for `op`; None where no work of `op` is counted in multiply-adds."""
    stem, _, kind = op.rpartition("_")
    case = _LIKE.get(stem, stem)
    return f"{case}_{kind}" if case in _CASES and kind in ("s8", "f32") else None


def _network(op: str) -> Graph:
    stem, _, kind = op.rpartition("_")
    x, w, y, attrs = _CASES[stem]
    channels = y[-1]
    quant = Quant(np.array([0.05]), np.array([0], np.int64))
    if kind == "s8":
        parts = (np.zeros(channels, "<i4"), np.full(channels, 1 << 30, "<i4"))
        last = np.concatenate([*(p.view(np.uint8) for p in parts), np.full(channels, 8, np.uint8)])
        constants = np.resize(np.arange(-127, 128, dtype=np.int8), w), last
        attrs = {**attrs, "x_zero": 0, "w_zero": 0, "y_zero": 0, "lo": -128, "hi": 127}
    else:
        constants = np.resize(np.linspace(-1, 1, 255, dtype=np.float32), w), np.zeros(channels, np.float32)
        attrs = {**attrs, "lo": -np.inf, "hi": np.inf}
    tensors = {
        "x": Tensor("x", x, kind, None, quant if kind == "s8" else None),
        "w": Tensor("w", w, kind, constants[0]),
        "last": Tensor("last", constants[1].shape, "u8" if kind == "s8" else "f32", constants[1]),
        "y": Tensor("y", y, kind, None, quant if kind == "s8" else None),
    }
    ends = [Edge(name, name, shape, tuple(range(len(shape))), kind) for name, shape in (("x", x), ("y", y))]
    return Graph(op, tensors, [Node(op, op, ("x", "w", "last"), ("y",), attrs)], ends[:1], ends[1:])


def measure(target: Target, op: str, quiet_s: float = QUIET_S) -> Rate:
    """The rate of an operator that `like` names; the store of the board is not touched."""
    data = to_bytes(Bundle("rate", [Variant(op, _network(op))]))
    layer = profile(target, "rate", data, runs=RUNS, warmup=WARMUP, quiet_s=quiet_s).layers[0]
    return Rate(op, layer.macs / (max(layer.median_us, 1e-3) * 1e-6))

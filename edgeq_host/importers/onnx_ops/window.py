"""Strides, dilations and padding of convolutions and pools: one reading for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq_host.graph import Attrs
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.layout import two

_MAX_STEP = 1 << 20


@dataclass(frozen=True)
class Window:
    """Pairs are (height, width). `extra`: padding after the declared one that ceil_mode adds."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    out: tuple[int, int]
    extra: tuple[int, int] = (0, 0)

    def attrs(self) -> Attrs:
        """The attributes that every window operator has; ceil_mode's padding is part of the bottom and right."""
        return {
            "stride_h": self.stride[0],
            "stride_w": self.stride[1],
            "dilation_h": self.dilation[0],
            "dilation_w": self.dilation[1],
            "pad_top": self.before[0],
            "pad_left": self.before[1],
            "pad_bottom": self.after[0] + self.extra[0],
            "pad_right": self.after[1] + self.extra[1],
        }


def read(op: Op, size: Sequence[int], kernel: tuple[int, int], rank: int) -> Window:
    """The window of a node over an image of `size` (height, width)."""
    stride = two(op.attr("strides"), 1, "strides", rank)
    dilation = two(op.attr("dilations"), 1, "dilations", rank)
    if not all(1 <= v <= _MAX_STEP for v in (*stride, *dilation, *kernel)):
        raise Refusal(f"kernel {kernel}, strides {stride} and dilations {dilation} must be at least 1")
    ceil = bool(op.attr("ceil_mode", 0))
    axes = [_axis(op, d, size[d], kernel[d], stride[d], dilation[d], rank, ceil) for d in (0, 1)]
    before, after, out, extra = (tuple(int(a[k]) for a in axes) for k in range(4))
    if min(out) < 1:
        raise Refusal(f"the window {kernel} does not fit in the padded input {tuple(size)}")
    return Window(kernel, stride, dilation, _pair(before), _pair(after), _pair(out), _pair(extra))


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return values[0], values[1]


def _axis(op: Op, d: int, size: int, kernel: int, stride: int, dilation: int, rank: int, ceil: bool) -> tuple[int, int, int, int]:
    """Padding before, after, the output's size, and what ceil_mode adds, of axis d (0 height, 1 width)."""
    reach = (kernel - 1) * dilation + 1
    mode = op.attr("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        out = -(-size // stride)
        total = max((out - 1) * stride + reach - size, 0)
        small = total // 2
        before = small if mode == "SAME_UPPER" else total - small
        return before, total - before, out, 0
    before, after = explicit_pads(op, d, rank) if mode in ("NOTSET", "") else (0, 0)
    if mode not in ("NOTSET", "", "VALID"):
        raise Refusal(f"auto_pad '{mode}' is unknown")
    room = size + before + after - reach
    if room < 0:
        return before, after, 0, 0
    out = room // stride + 1
    if ceil and room % stride and out * stride < size + before:
        out += 1
    return before, after, out, max(0, (out - 1) * stride + reach - size - before - after)


def explicit_pads(op: Op, d: int, rank: int) -> tuple[int, int]:
    """The attribute `pads` of axis d: (before, after)."""
    pads = op.attr("pads")
    if pads is None or (rank == 3 and d == 0):
        return 0, 0
    if len(pads) != 2 * (rank - 2):
        raise Refusal(f"pads {list(pads)} has {len(pads)} entries, expected {2 * (rank - 2)}")
    at = d if rank == 4 else 0
    before, after = int(pads[at]), int(pads[at + rank - 2])
    if not (0 <= before <= _MAX_STEP and 0 <= after <= _MAX_STEP):
        raise Refusal(f"pads {list(pads)} are out of range: negative padding is not supported here")
    return before, after

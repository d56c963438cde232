"""Windows over images: sizes, strides, dilations, padding, groups; written down or drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.ops.cases.base import Rng, pick

Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """image [N,H,W,C] seen through kernel; pad is top, left, bottom, right; out is O, or the depth multiplier."""

    image: tuple[int, int, int, int]
    out: int
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1

    def size(self) -> Pair:
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        pads = (self.pad[0] + self.pad[2], self.pad[1] + self.pad[3])
        h, w = ((i + p - span) // s + 1 for i, p, span, s in zip(self.image[1:3], pads, spans, self.stride, strict=True))
        return h, w

    def transposed_size(self, crop: int) -> Pair:
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        pads = (self.pad[0] + self.pad[2], self.pad[1] + self.pad[3])
        h, w = ((i - 1) * s + span - p for i, p, span, s in zip(self.image[1:3], pads, spans, self.stride, strict=True))
        return h + crop, w + crop

    def attrs(self, *dropped: str) -> dict[str, Any]:
        values = dict(zip(("pad_top", "pad_left", "pad_bottom", "pad_right"), self.pad, strict=True))
        values |= {"stride_h": self.stride[0], "stride_w": self.stride[1], "dilation_h": self.dilation[0], "dilation_w": self.dilation[1]}
        return {k: v for k, v in (values | {"groups": self.groups}).items() if k not in dropped}


def random_geometry(rng: Rng, layout: str) -> Geometry:
    """conv, depthwise, transposed or pool. Padding may exceed the kernel; the output is never empty."""
    while True:
        groups = pick(rng, (1, 1, 1, 2, 3)) if layout in ("conv", "transposed") else 1
        channels = int(rng.integers(1, 40)) * groups
        out = int(rng.integers(1, 40)) * groups if layout in ("conv", "transposed") else int(rng.integers(1, 4))
        h, w, kh, kw, sh, sw, dh, dw = (int(v) for v in rng.integers(1, (14, 14, 6, 6, 4, 4, 4, 4)))
        top, left, bottom, right = (int(v) for v in rng.integers(0, (4, 4, 4, 4)))
        found = Geometry((int(rng.integers(1, 3)), h, w, channels), out, (kh, kw), (sh, sw), (dh, dw), (top, left, bottom, right), groups)
        if min(found.transposed_size(0) if layout == "transposed" else found.size()) > 0:
            return found

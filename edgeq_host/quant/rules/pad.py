"""Pad; the value that fills is quantized, an infinite one becomes the end of the range."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.movers import move


def apply(build: Build, node: Node) -> None:
    bits = np.array([node.attrs["value"]], np.int64).astype(np.uint32).view(np.float32)
    value = int(build.affine(node.outputs[0]).quantize(bits)[0])
    move(build, node, attrs=node.attrs | {"value": value & (0xFFFF if build.wide else 0xFF)})

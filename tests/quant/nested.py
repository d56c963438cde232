"""Nested int8 and int4: networks for their tests."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Graph
from edgeq_host.produce import Packed, Source, pack_graph
from edgeq_host.recipe import Recipe, Step
from tests.quant.graphs import RELU, WINDOW, Net
from tests.quant.test_narrow import data

NESTED = Recipe("int8,w4a8", nested=True)
PLAIN = (Step("bias_correction"),)
KWS = "kws_ref_model_float32.tflite"


def every_layer() -> Graph:
    """All operators that have nested weights, between two that stay int8."""
    net = Net()
    x = net.conv(net.input("x", (1, 4, 4, 3)), "first", 24, pad=1)
    pads = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), 1)
    w, b = net.constant("deep.w", net.normal(3, 3, 24)), net.constant("deep.b", net.normal(24))
    x = net.node("depthwise_conv2d_f32", [x, w, b], "deep", (1, 4, 4, 24), **{**WINDOW, **pads, **RELU})
    x = net.conv(net.conv(x, "one", 40, size=1), "wide", 16, pad=1)
    w, b = net.constant("up.w", net.normal(4, 2, 2, 16) / 8), net.constant("up.b", net.normal(4))
    attrs = {key: value for key, value in WINDOW.items() if key not in ("pad_bottom", "pad_right")}
    x = net.node("transpose_conv2d_f32", [x, w, b], "up", (1, 8, 8, 4), **{**attrs, **RELU, "stride_h": 2, "stride_w": 2, "groups": 1})
    x = net.dense(net.node("reshape", [x], "flat", (1, 256)), "full", 30)
    w = net.constant("product.w", net.normal(30, 20))
    x = net.node("matmul_f32", [x, w], "product", (1, 20), lo=0.0, hi=np.inf)
    return net.graph(net.dense(x, "y", 5))


LAYERS = ("deep", "one", "wide", "up", "full", "product")


def made(graph: Graph, recipe: Recipe = NESTED, count: int = 8) -> Packed:
    return pack_graph(graph, Source(None, recipe, data(graph, count), name="net"))

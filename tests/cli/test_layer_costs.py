"""What a portable layer is expected to cost goes by its shape, and is known for operators that have no kernel."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgeq_host import costs, speeds
from edgeq_host.costs import Cost, There
from edgeq_host.estimate import problem
from edgeq_host.export import unpack
from edgeq_host.export.read_graph import to_graph
from edgeq_host.graph import Graph
from edgeq_host.layer import Layer
from edgeq_host.produce import Source, pack_graph
from edgeq_host.recipe import Recipe
from edgeq_host.speeds import Speeds
from edgeq_runtime import lists, native
from tests.cli.conftest import Edgeq
from tests.quant.graphs import RELU, WINDOW, Net

TABLES = {"x86_64": speeds.X86_64, "aarch64": speeds.AARCH64, "armv7l": speeds.ARMV7}
PORTABLE = ("portable",)


def packed(graph: Graph, precision: str) -> bytes:
    return pack_graph(graph, Source(None, Recipe(precision, int8_ends=False, step=()), "random")).data


def conv(depth: int, channels: int, precision: str) -> bytes:
    """144 pixels of 3x3 taps."""
    net = Net()
    return packed(net.graph(net.conv(net.input("x", (1, 12, 12, depth)), "y", channels, pad=1)), precision)


def pooled() -> Graph:
    """A sum, both pools, a mean and a change of scale between convolutions."""
    net, window = Net(), {"kernel_h": 2, "kernel_w": 2, "lo": float("-inf"), "hi": float("inf")}
    a = net.conv(net.input("x", (1, 12, 12, 3)), "a", 8, pad=1)
    b = net.conv(a, "b", 8, pad=1)
    added = net.node("add_f32", [a, b], "sum", (1, 12, 12, 8), **RELU)
    most = net.node("max_pool2d_f32", [added], "most", (1, 11, 11, 8), **WINDOW, **window)
    mean = net.node("avg_pool2d_f32", [most], "mean", (1, 10, 10, 8), **WINDOW, **window, include_pad=0)
    row = net.node("reduce_f32", [mean], "row", (1, 8), kind=1, axes=6)
    return net.graph(net.dense(row, "y", 4))


def found(data: bytes, machine: str, isas: tuple[str, ...] = PORTABLE) -> dict[str, tuple[Layer, Cost | None]]:
    """Costs of a packed model's layers as they run portable, by operator."""
    tables = unpack(data, "")
    layers = [Layer(o.name, o.op, o.kernel, o.isa, o.packing, o.macs) for o in native.Model(data, isas=1).ops()]
    known = costs.of(There(machine, isas), layers, tables, tables.variants[0])
    return {layer.op: (layer, cost) for layer, cost in zip(layers, known, strict=True)}


def amount(data: bytes, op: str, machine: str, isas: tuple[str, ...] = PORTABLE) -> float:
    cost = found(data, machine, isas)[op][1]
    assert cost is not None
    return cost.amount


def rate(table: Speeds, kernel: str, size: tuple[int, int, int]) -> float:
    """In us or instructions."""
    (only,) = [r.ns for r in table.rates if (r.kernel, r.isa, r.size) == (kernel, "portable", size)]
    return only / (1000 if table.unit == "us" else 1)


@pytest.mark.parametrize("machine", TABLES)
@pytest.mark.parametrize(("depth", "channels"), [(1, 4), (8, 32), (64, 128)])
@pytest.mark.parametrize(
    ("precision", "op", "kernel"), [("w8a16", "conv2d_s16", "gemm_s16_s16_s8"), ("w4a8", "conv2d_s8", "gemm_s8_s16_s4")]
)
def test_a_layer_of_the_table_costs_what_the_table_says(
    machine: str, depth: int, channels: int, precision: str, op: str, kernel: str
) -> None:
    table = TABLES[machine]
    expected = rate(table, kernel, (144, channels, 9 * depth)) + table.layer / (1000 if table.unit == "us" else 1)
    assert amount(conv(depth, channels, precision), op, machine) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("machine", TABLES)
def test_a_layer_of_few_inputs_and_channels_costs_more_for_each_product(machine: str) -> None:
    """What fills its rows and scales its outputs is the most of it: one rate for all shapes was 29 times too low."""
    few, many = (amount(conv(depth, channels, "w8a16"), "conv2d_s16", machine) for depth, channels in ((1, 4), (64, 128)))
    assert few / (9 * 4) > 1.5 * many / (576 * 128)


@pytest.mark.parametrize("machine", TABLES)
def test_a_size_between_those_of_the_table_costs_an_amount_between(machine: str) -> None:
    low, at, high = (amount(conv(depth, 32, "w8a16"), "conv2d_s16", machine) for depth in (8, 24, 64))
    assert low < at < high


def test_a_transposed_convolution_counts_the_zeros_that_its_kernel_multiplies() -> None:
    net = Net()
    x = net.input("x", (1, 8, 8, 16))
    w, b = net.constant("w", net.normal(8, 4, 4, 16)), net.constant("b", net.normal(8))
    attrs = {"stride_h": 2, "stride_w": 2, "dilation_h": 1, "dilation_w": 1, "pad_top": 1, "pad_left": 1, "groups": 1}
    data = packed(net.graph(net.node("transpose_conv2d_f32", [x, w, b], "y", (1, 16, 16, 8), **attrs, **RELU)), "w4a8")
    layer, cost = found(data, "x86_64")["transpose_conv2d_s8"]
    tables = unpack(data, "")
    graph = to_graph(tables, tables.variants[0], {})
    (node,) = [n for n in graph.nodes if n.op == layer.op]
    assert layer.macs == 8 * 8 * 16 * 16 * 8 and problem(layer, node, graph).size == (256, 8, 256)
    assert cost is not None and cost.amount == pytest.approx(4 * amount(conv(16, 8, "w4a8"), "conv2d_s8", "x86_64") * 256 / 576, rel=0.5)


@pytest.mark.parametrize("table", TABLES.values())
def test_every_operator_of_int16_or_of_signs_without_products_has_a_rate_in_every_table(table: Speeds) -> None:
    weighted = ("conv2d", "fully_connected", "depthwise_conv2d", "transpose_conv2d")
    wide = {name for name in lists.ops() if name.endswith("_s16") and name.removesuffix("_s16") not in weighted}
    assert speeds.alone() == wide | {"sign_b1", "unpack_s8"}
    assert all((table.element(op, PORTABLE) or 0) > 0 for op in speeds.alone())
    twins = {f"{op.removesuffix('_s16')}_s8" for op in wide}
    assert all((table.element(op, PORTABLE) or 0) > 0 for op in twins)


@pytest.mark.parametrize("machine", TABLES)
def test_operators_of_int16_have_a_cost_though_they_have_no_kernel(machine: str) -> None:
    fast = {"x86_64": "avx2", "aarch64": "neon", "armv7l": "neon_armv7"}[machine]
    known = found(packed(pooled(), "w8a16"), machine, (*PORTABLE, fast))
    for op in ("add_s16", "max_pool2d_s16", "avg_pool2d_s16", "reduce_s16"):
        layer, cost = known[op]
        assert costs.is_portable(layer) and not layer.kernel
        assert cost is not None and cost.amount > 0 and cost.of_int8 is not None and cost.of_int8 > 1
    assert amount(packed(pooled(), "w8a16"), "max_pool2d_s16", machine) > 3.9 * rated_once(TABLES[machine], "max_pool2d_s16", 11 * 11 * 8)


def rated_once(table: Speeds, op: str, count: int) -> float:
    each = table.element(op, PORTABLE)
    assert each is not None
    return each * count / (1000 if table.unit == "us" else 1)


@pytest.mark.parametrize("command", [("inspect",), ("plan", "-b", "local")])
def test_inspect_and_plan_count_operators_without_a_kernel_among_the_portable(
    edgeq: Edgeq, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    Path("wide.eqm").write_bytes(packed(pooled(), "w8a16"))
    name, *options = command
    layers = edgeq(name, "wide.eqm", *options, "--json").json["layers"]
    without = [x for x in layers if x["op"].endswith("_s16") and not x["kernel"]]
    assert {x["op"] for x in without} >= {"add_s16", "max_pool2d_s16", "avg_pool2d_s16", "reduce_s16"}
    assert all(x["cost"]["amount"] > 0 and x["cost"]["unit"] == "us" for x in without), json.dumps(without)
    kernels = sum(bool(x["kernel"]) for x in layers)
    out = edgeq(name, "wide.eqm", *options).out
    assert f"portable: {kernels} of {kernels} layers with kernels, and {len(without)} operators without one" in out
    assert re.search(r"add_s16 .* us, \d", out)

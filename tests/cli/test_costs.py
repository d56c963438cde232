"""Layers that run portable are said to do so, with what they are expected to cost."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq_host import costs, speeds
from edgeq_host.bench.problems import family
from edgeq_host.costs import There, int8_kernel
from edgeq_host.export import unpack
from edgeq_host.layer import Layer
from edgeq_host.produce import Source, pack_graph, produce
from edgeq_host.recipe import Recipe
from edgeq_runtime import lists, native
from tests.cli.conftest import DIGITS, Edgeq
from tests.core import isa_masks
from tests.quant.graphs import Net

MODEL = DIGITS / "digits.onnx"
NEVER = {"gemm_s8_u8", "gemm_s8_s8", "dwconv_s8_u8"}  # rows of bytes that operators take from faster instruction sets alone


@pytest.fixture
def narrow(edgeq: Edgeq) -> Path:
    """In the folder where `edgeq` runs."""
    produce(Source(MODEL, Recipe("w4a8", int8_ends=False, step=()), "random")).save("narrow.eqm")
    return Path("narrow.eqm")


def test_inspect_says_which_layers_run_portable_and_what_that_costs(edgeq: Edgeq, narrow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    layers = edgeq("inspect", narrow, "--json").json["layers"]
    costly = [x for x in layers if x["cost"] is not None]
    low = [x for x in costly if x["macs"]]
    assert {x["kernel"] for x in low} == {"gemm_s8_s16_s4", "dwconv_s8_s8_s4"} and {x["isa"] for x in costly} == {"portable"}
    assert all(x["cost"]["of_int8"] > 1 for x in low) and all(x["cost"]["amount"] > 0 for x in costly)
    assert all(x["cost"]["of_int8"] is None for x in costly if x not in low), "these are int8"
    out = edgeq("inspect", narrow, "--kernels").out
    with_kernels = sum(bool(x["kernel"]) for x in layers)
    assert f"portable: {with_kernels} of {with_kernels} layers with kernels; no instruction set with faster kernels is in use there" in out
    assert len(re.findall(r"x int8$", out, re.M)) == len(low) and f"edgeq profile {narrow} measures it there" in out


def test_a_layer_with_a_fast_kernel_has_no_cost(edgeq: Edgeq, narrow: Path) -> None:
    found = edgeq("inspect", narrow, "--json").json
    fast = [x for x in found["layers"] if x["isa"] != "portable"]
    assert all(x["cost"] is None for x in fast) and "portable" in found["isas"]
    if len(found["isas"]) > 1:
        assert fast and "cost" not in edgeq("inspect", narrow, "--kernels").out


def test_plan_goes_by_the_rates_of_the_device_where_it_has_some(edgeq: Edgeq, narrow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    before = edgeq("plan", narrow, "-b", "local")
    assert "x int8" in before.out and "edgeq bench kernels --board local measures it there" in before.out
    assert edgeq("bench", "kernels", "-b", "local", "--rounds", "3").code == 0
    for words in (("plan", narrow, "-b", "local"), ("inspect", narrow, "-b", "local")):
        found = edgeq(*words, "--json").json["layers"]
        costly = [x["cost"] for x in found if x["kernel"]]
        assert {(x["unit"], x["source"]) for x in costly} == {("us", "modelled")} and all(x["amount"] > 0 for x in costly)
        assert any(x["of_int8"] is not None for x in costly)
        assert "cost: expected, modelled from rates measured" in edgeq(*words).out


def test_a_shape_without_a_fast_kernel_is_said_to_run_portable(edgeq: Edgeq, tmp_path: Path) -> None:
    """Sums of narrow weights are 32 bits wide: beyond 65536 inputs only the portable kernel adds them."""
    net = Net()
    graph = net.graph(net.dense(net.input("x", (1, 65600)), "y", 2))
    made = pack_graph(graph, Source(None, Recipe("w4a8", int8_ends=False, step=()), "random"))
    made.save(tmp_path / "long.eqm")
    (layer,) = [x for x in edgeq("inspect", "long.eqm", "--json").json["layers"] if x["kernel"]]
    assert (layer["kernel"], layer["isa"]) == ("gemm_s8_s16_s4", "portable")
    if "avx2" in native.isas() or "neon" in native.isas():
        assert layer["cost"]["of_int8"] > 10 and "without a kernel for their widths or shapes" in edgeq("inspect", "long.eqm").out


@pytest.mark.parametrize("mask", isa_masks())
def test_the_int8_layer_beside_it_is_the_one_that_operators_choose(mask: int) -> None:
    net = Net()
    x = net.input("x", (1, 6, 6, 16))
    w = net.constant("d.w", net.normal(3, 3, 16))
    window = {"stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "pad_top": 0, "pad_left": 0, "pad_bottom": 0, "pad_right": 0}
    d = net.node("depthwise_conv2d_f32", [x, w, net.constant("d.b", net.normal(16))], "d", (1, 4, 4, 16), **window, lo=0.0, hi=6.0)
    data = pack_graph(net.graph(net.conv(d, "y", 8)), Source(None, Recipe(), "random")).data
    isas = [name for name, bit in native.isas().items() if mask >> bit & 1]
    for op in native.Model(data, isas=mask).ops():
        if op.macs:
            found = int8_kernel(family(op.kernel), isas)
            assert found is not None and (f"{found.family}_{found.types}", found.isa) == (op.kernel, op.isa)


@pytest.mark.parametrize("table", [speeds.X86_64, speeds.AARCH64, speeds.ARMV7])
def test_speeds_are_of_kernels_that_there_are(table: speeds.Speeds) -> None:
    rows = {(f"{k.family}_{k.types}", k.isa) for k in lists.kernels()}
    assert {(rate.kernel, rate.isa) for rate in table.rates} <= rows and all(rate.ns > 0 for rate in table.rates)
    assert {op for op, _ in table.elements} <= set(lists.ops()) and {isa for _, isa in table.elements} <= set(lists.isas())


@pytest.mark.parametrize("table", [speeds.X86_64, speeds.AARCH64, speeds.ARMV7])
def test_every_portable_kernel_of_products_has_a_speed(table: speeds.Speeds) -> None:
    products = {f"{k.family}_{k.types}" for k in lists.kernels() if k.family in ("gemm", "dwconv") and k.isa == "portable"}
    chosen = {name for name in products if name.rpartition("_")[0] not in NEVER or name == "dwconv_s8_s8_s8"}
    assert chosen <= {rate.kernel for rate in table.rates if rate.isa == "portable"}


@pytest.mark.parametrize(
    ("machine", "isas", "unit"),
    [
        ("x86_64, AMD EPYC", ("portable", "avx2"), "us"),
        ("aarch64, Cortex-A72", ("portable", "neon"), "instructions"),
        ("armv7l, Cortex-A7", ("portable",), "instructions"),
        ("riscv64", ("portable",), None),
        ("", (), None),
    ],
)
def test_a_machine_without_rates_goes_by_its_kind(packed: Path, machine: str, isas: tuple[str, ...], unit: str | None) -> None:
    data = packed.read_bytes()
    tables = unpack(data, "")
    layers = [Layer(o.name, o.op, o.kernel, o.isa, o.packing, o.macs) for o in native.Model(data, isas=1).ops()]
    layers = [replace(x, kernel=x.kernel.replace("s8_s16_s8", "s8_s16_s4")) for x in layers]
    found = [c for c in costs.of(There(machine, isas), layers, tables, tables.variants[0]) if c is not None]
    assert {c.unit for c in found} == ({unit} if unit else set())
    assert all(c.of_int8 is None or c.of_int8 > 1 for c in found)

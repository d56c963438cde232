"""Emulated: a portable layer takes half to twice the instructions that are expected, on shapes that the table lacks."""

from __future__ import annotations

import pytest

from bench import cost_cases, costs
from edgeq_host import speeds
from edgeq_host.bench.problems import Size
from edgeq_host.costs import There
from edgeq_host.costs import of as costs_of
from edgeq_host.export import unpack
from edgeq_host.layer import Layer
from edgeq_runtime import native

pytestmark = pytest.mark.slow
CORES = {core.arch: core for core in costs.CORES if core.qemu and core.isas == ("portable",)}
SHAPES: tuple[tuple[str, Size], ...] = (("gemm", (64, 12, 36)), ("gemm", (100, 64, 144)), ("gemm", (1, 40, 200)), ("dwconv", (81, 24, 9)))


@pytest.mark.parametrize("arch", CORES)
@pytest.mark.parametrize(("kind", "size"), SHAPES)
@pytest.mark.parametrize("precision", ["w8a16", "w4a8"])
def test_a_layer_takes_about_the_instructions_that_are_expected(arch: str, kind: str, size: Size, precision: str) -> None:
    counted = costs.layer(CORES[arch], kind, size, precision, costs.around(CORES[arch])[0])
    data = cost_cases.layer(kind, size, precision)
    tables = unpack(data, "")
    layers = [Layer(o.name, o.op, o.kernel, o.isa, o.packing, o.macs) for o in native.Model(data, isas=1).ops()]
    there = There({"aarch64": "aarch64", "armv7": "armv7l"}[arch], ("portable",))
    (expected,) = [c for c, x in zip(costs_of(there, layers, tables, tables.variants[0]), layers, strict=True) if x.macs]
    assert expected is not None and expected.unit == "instructions"
    assert counted / 2 < expected.amount < 2 * counted


@pytest.mark.parametrize("arch", CORES)
def test_the_table_has_the_instructions_that_an_operator_without_a_kernel_takes(arch: str) -> None:
    table = {"aarch64": speeds.AARCH64, "armv7": speeds.ARMV7}[arch]
    many, one = (costs.amount(CORES[arch], cost_cases.operators("add_s16", count)) for count in (3, 1))
    assert table.element("add_s16", ("portable",)) == pytest.approx((many - one) / 2 / cost_cases.read("add_s16"), rel=0.1)

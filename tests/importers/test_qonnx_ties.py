"""Where QONNX rounds a tie otherwise than edgeq: said at import, and only where values can lie exactly between two integers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeq_host.graph import Array
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.produce import Source, pack_graph
from edgeq_runtime import native
from tests.importers.onnx_nets import Net
from tests.importers.qonnx_nets import quant
from tests.importers.qonnx_reference import evaluate


def dense(ratio: float, mode: str = "ROUND", signed: int = 1, at_input: str = "ROUND") -> onnx.ModelProto:
    """A quantized input times weights of 4 bits, rounded to steps that are 1 / ratio times those of the sums."""
    net = Net(5, opset=15)
    x = quant(net, "x", 0.0625, 8, signed=1, narrow=0, rounding_mode=at_input)
    w = quant(net, net.const(net.rng.normal(0, 0.4, (8, 6)).astype(np.float32)), 0.125, 4, signed=1, narrow=1)
    y = quant(net, net.add("MatMul", x, w), 0.0625 * 0.125 / ratio, 8, signed=signed, narrow=0, rounding_mode=mode)
    return net.model({"x": [1, 8]}, {y: None})


def residual(ratio: float) -> onnx.ModelProto:
    """The sum of two quantized tensors, of which the second has a step of ratio times that of the result."""
    net = Net(6, opset=15)
    a, b = (quant(net, x, scale, 6, signed=1, narrow=0) for x, scale in (("x", 0.1), ("z", 0.1 * ratio)))
    return net.model({"x": [1, 8], "z": [1, 8]}, {quant(net, net.add("Add", a, b), 0.1, 8, signed=1, narrow=0): None})


def said(model: onnx.ModelProto) -> tuple[str, ...]:
    return import_model(model, "net", ImportOptions()).remarks


def words(mode: str, ours: str) -> tuple[str]:
    return (f"Quant with rounding_mode {mode}: values can lie exactly between two integers, where edgeq rounds {ours}",)


@pytest.mark.parametrize("ratio", [1 / 32, 1 / 2, 3 / 2, 1 / 6])
@pytest.mark.parametrize("mode", ["ROUND", "HALF_EVEN", "HALF_DOWN", "HALF_UP"])
def test_sums_that_can_lie_between_two_integers_are_said(ratio: float, mode: str) -> None:
    assert said(dense(ratio, mode)) == words(mode, "up")


@pytest.mark.parametrize("ratio", [1.0, 1 / 3, 2.0, 0.0123457])
@pytest.mark.parametrize("mode", ["ROUND", "HALF_EVEN", "HALF_DOWN", "HALF_UP"])
def test_sums_that_cannot_are_not(ratio: float, mode: str) -> None:
    assert said(dense(ratio, mode)) == ()


def test_half_up_is_what_edgeq_does_where_nothing_lies_below_0() -> None:
    assert said(dense(1 / 32, "HALF_UP", signed=0)) == () and said(dense(1 / 32, "ROUND", signed=0)) == words("ROUND", "up")


@pytest.mark.parametrize("mode", ["HALF_UP", "HALF_DOWN"])
def test_an_input_is_rounded_to_even_which_is_said_of_other_modes(mode: str) -> None:
    assert said(dense(1.0, at_input=mode)) == words(mode, "to even") and said(dense(1.0, at_input="HALF_EVEN")) == ()


@pytest.mark.parametrize(("ratio", "remarks"), [(0.5, words("ROUND", "up")), (0.3, words("ROUND", "up")), (1.0, ()), (1 / 3, ())])
def test_a_sum_of_two_quantized_tensors_counts_both_of_their_steps(ratio: float, remarks: tuple[str, ...]) -> None:
    assert said(residual(ratio)) == remarks


def _ran(model: onnx.ModelProto, x: Array) -> Array:
    graph = import_model(model, "net", ImportOptions())
    made = native.Model(pack_graph(graph, Source(None, name="net")).data)
    return np.concatenate([made.run(row[None]) for row in x])


@pytest.mark.parametrize(("ratio", "differ"), [(1 / 32, True), (1 / 3, False)])
def test_what_is_said_is_what_differs(ratio: float, differ: bool) -> None:
    """Every difference is one step, at a tie; where nothing is said there is none."""
    model = dense(ratio)
    x = np.random.default_rng(1).normal(0, 2, (200, 8)).astype(np.float32)
    wanted = np.concatenate([evaluate(model, {"x": row[None]})[0] for row in x])
    step = np.float32(0.0625 * 0.125 / ratio)
    gap = np.rint((_ran(model, x) - wanted) / step)
    assert bool(gap.any()) == differ == bool(said(model)) and set(np.unique(gap)) <= {0.0, 1.0}


def test_scales_along_the_inputs_are_said_to_be_rounded_anew() -> None:
    for shape, remarks in (((8, 1), 1), ((1, 6), 0), ((), 0)):
        net = Net(7, opset=15)
        w = quant(net, net.const(net.rng.normal(0, 1, (8, 6)).astype(np.float32)), np.full(shape, 0.25), 4, signed=1, narrow=1)
        found = said(net.model({"x": [1, 8]}, {net.add("MatMul", "x", w): None}))
        assert len(found) == remarks and all("another axis" in text for text in found)

"""Sign, and comparisons with a constant that choose one of two numbers, are signs with the thresholds that ONNX says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import SIGN, Array, Graph
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.session import Session
from tests.importers.onnx_nets import Net, witness

C = np.float32(0.3)
X = np.float32([[-np.inf, -3, -C, -1e-45, -0.0, 0.0, 1e-45, np.nextafter(C, np.float32(0)), C, np.nextafter(C, np.float32(1)), 7, np.inf]])


def _read(net: Net, output: str) -> tuple[Graph, Any]:
    model = net.model({"x": list(X.shape)}, {output: None})
    return normalize(import_model(model, "net", ImportOptions())), model


def _runs(graph: Graph, x: Array = X) -> Array:
    return np.asarray(Session(graph).run(x)[0])


@pytest.mark.parametrize("numbers", [(1, -1), (-1, 1), (0.25, -3), (-2.5, 0)])
@pytest.mark.parametrize("constant", [0.0, C])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("op", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
def test_a_comparison_that_chooses_a_number(op: str, left: bool, constant: float, numbers: tuple[float, float]) -> None:
    net = Net(1, opset=16)
    sides = ["x", net.const(np.float32(constant))]
    y = net.add("Where", net.add(op, *(sides[::-1] if left else sides)), *(net.const(np.float32(v)) for v in numbers))
    graph, model = _read(net, y)
    assert [n.op for n in graph.nodes] == ["sign_f32"]
    np.testing.assert_array_equal(_runs(graph), witness(model, {"x": X})[0])


@pytest.mark.parametrize("turned", [False, True])
def test_ones_and_zeros_times_two_less_one_are_one_sign(turned: bool) -> None:
    net = Net(2, opset=16)
    compared = net.add("Less", "x", net.const(np.full((1, 1), C)))
    number = net.add("Cast", net.add("Not", compared) if turned else compared, to=1)
    y = net.add("Sub", net.add("Mul", net.const(np.float32(2)), number), net.const(np.float32(1)))
    graph, model = _read(net, y)
    assert [(n.op, n.attrs) for n in graph.nodes] == [("sign_f32", {"plus": 1.0, "minus": -1.0})]
    assert float(graph.tensors[graph.outputs[0].tensor].quant.scale[0]) == 1 / SIGN  # type: ignore[union-attr]
    np.testing.assert_array_equal(_runs(graph), witness(model, {"x": X})[0])


def test_the_sign_of_zero_is_plus_and_the_importer_says_so() -> None:
    net = Net(3)
    graph, model = _read(net, net.add("Sign", "x"))
    wanted = witness(model, {"x": X})[0]
    np.testing.assert_array_equal(_runs(graph), np.where(X == 0, 1, wanted))
    assert graph.remarks and "0 counts as +1" in graph.remarks[0]


@pytest.mark.parametrize("between", [[], ["MaxPool"], ["Flatten"]])
@pytest.mark.parametrize("clip", ["Relu", "Clip"])
def test_the_sign_of_what_is_never_below_zero_is_refused(clip: str, between: list[str]) -> None:
    net = Net(4)
    y = net.add("Relu", "x") if clip == "Relu" else net.add("Clip", "x", net.const(np.float32(0)), net.const(np.float32(6)))
    for op in between:
        y = net.add(op, y, kernel_shape=[2, 2]) if op == "MaxPool" else net.add(op, y)
    with pytest.raises(UnsupportedError, match="0 and 1, never -1") as error:
        import_model(net.model({"x": [1, 2, 4, 4]}, {net.add("Sign", y): None}), "net", ImportOptions())
    assert "in front of the clip" in str(error.value)


def test_a_straight_through_estimator_is_its_sign() -> None:
    for clipped in (False, True):
        net = Net(5)
        bounds = [net.const(np.float32(v)) for v in (-1, 1)]
        x = [net.add("Clip", "x", *bounds) if clipped else "x" for _ in range(2)]
        sign = net.add("Sign", "x")
        graph, _ = _read(net, net.add("Add", x[0], net.add("Sub", sign, x[1])))
        assert [n.op for n in graph.nodes] == ["sign_f32"]
    net = Net(5)
    graph, _ = _read(net, net.add("Add", "x", net.add("Sub", net.add("Sign", "x"), net.add("Neg", "x"))))
    assert "sub_f32" in {n.op for n in graph.nodes}, "something else is taken from the sign"


def _refused(net: Net, output: str, answer: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        import_model(net.model({"x": [1, 12]}, {output: None}), "net", ImportOptions())
    assert answer in str(error.value)


def test_what_is_no_sign_is_refused_with_what_is() -> None:
    hint = "torch.where(x >= 0, 1.0, -1.0)"
    net = Net(6, opset=16)
    zero, one = net.const(np.float32(0)), net.const(np.float32(1))
    compared = net.add("Less", "x", zero)
    cases = [
        (net.add("Less", "x", net.add("Neg", "x")), "compares two activations"),
        (net.add("Less", "x", net.const(np.arange(12, dtype=np.float32))), "compares with something else than one finite number"),
        (net.add("Less", "x", net.const(np.float32(np.inf))), "something else than one finite number"),
        (net.add("Less", "x", net.const(np.zeros((3, 1, 1), np.float32))), "widens its input"),
        (net.add("Where", compared, "x", one), "chooses between tensors"),
        (net.add("Where", compared, zero, net.const(np.arange(12, dtype=np.float32))), "chooses something else than one finite number"),
        (net.add("Where", compared, zero, net.const(np.zeros((2, 1, 1), np.float32))), "widens its input"),
        (net.add("Not", "x"), "no comparison with a constant"),
    ]
    for output, answer in cases:
        _refused(net, output, answer)
        _refused(net, output, hint)
    _refused(net, compared, "true or false")
    _refused(net, net.add("Mul", compared, one), "true or false")
    _refused(net, net.add("Cast", compared, to=6), "cast them to float32")

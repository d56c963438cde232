"""QONNX files that are damaged, or say what cannot be kept: refused with the name of the node and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from edgeq_host.errors import UnsupportedError
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from tests.importers.onnx_nets import Net
from tests.importers.qonnx_nets import bipolar, dense, quant
from tests.importers.qonnx_reference import DOMAINS


def _changed(i: int, value: Any) -> Any:
    """Input i of the first node, a constant, is another one."""

    def change(model: onnx.ModelProto) -> None:
        name = f"changed{i}"
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        model.graph.node[0].input[i] = name

    return change


def _attribute(name: str, value: Any) -> Any:
    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[0]
        for old in [a for a in node.attribute if a.name == name]:
            node.attribute.remove(old)
        node.attribute.append(onnx.helper.make_attribute(name, value))

    return change


def _computed(i: int) -> Any:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[0].input[i] = "x"

    return change


def _without(i: int) -> Any:
    def change(model: onnx.ModelProto) -> None:
        del model.graph.node[0].input[i:]

    return change


NAN, INF = np.float32("nan"), np.float32("inf")
BAD = {
    "scale of 3 for 8 channels": (_changed(1, np.ones((3, 1), np.float32)), "does not fit a tensor of shape"),
    "scale of two axes": (_changed(1, np.ones((8, 6), np.float32)), "does not fit a tensor of shape"),
    "scale of more axes": (_changed(1, np.ones((1, 1, 1), np.float32)), "does not fit a tensor of shape"),
    "signed in words": (_attribute("signed", "yes"), "signed is"),
    "signed of 7": (_attribute("signed", 7), "signed is 7"),
    "narrow of -1": (_attribute("narrow", -1), "narrow is -1"),
    "empty scale": (_changed(1, np.ones((0,), np.float32)), "the scale is empty"),
    "scale 0": (_changed(1, np.float32(0)), "a scale is 0"),
    "negative scale": (_changed(1, np.float32(-1)), "a scale is -1"),
    "scale NaN": (_changed(1, NAN), "no finite numbers"),
    "scale infinite": (_changed(1, INF), "no finite numbers"),
    "scale beyond float32 products": (_changed(1, np.float32(1e-38)), "a scale is 1e-38"),
    "scale that is text": (_changed(1, np.array(["one"])), "no finite numbers"),
    "scale at run time": (_computed(1), "computed at run time"),
    "zero point NaN": (_changed(2, NAN), "no finite numbers"),
    "zero point of a half": (_changed(2, np.float32(0.5)), "no integer"),
    "zero points along another axis": (_changed(2, np.arange(6, dtype=np.float32)), "a zero point of shape"),
    "0 bits": (_changed(3, np.float32(0)), "a bit width of 0"),
    "33 bits": (_changed(3, np.float32(33)), "a bit width of 33"),
    "1.5 bits": (_changed(3, np.float32(1.5)), "a bit width of 1.5"),
    "-4 bits": (_changed(3, np.float32(-4)), "a bit width of -4"),
    "NaN bits": (_changed(3, NAN), "a bit width of nan"),
    "two bit widths": (_changed(3, np.float32([4, 8])), "has 2 elements, expected one"),
    "no bit width": (_without(3), "input 3 is missing"),
    "no scale": (_without(1), "is missing"),
    "unknown rounding": (_attribute("rounding_mode", "SIDEWAYS"), "rounding mode 'SIDEWAYS' is unknown"),
    "rounding that is a number": (_attribute("rounding_mode", 3), "rounding mode '3' is unknown"),
    "weights with NaN": (_changed(0, np.full((8, 6), NAN)), "no finite numbers"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_damaged_quant_is_refused_by_name(what: str) -> None:
    spoil, words = BAD[what]
    model, _ = dense(4, scale=np.full((8, 1), 0.5), signed=1, narrow=0, rounding_mode="ROUND")
    spoil(model)
    with pytest.raises(UnsupportedError) as raised:
        import_model(model, "net", ImportOptions())
    assert words in str(raised.value) and "Quant 'Quant_1'" in str(raised.value)


BAD_ACTIVATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "scales by channel": ({"scale": np.full((1, 8), 0.5)}, "8 scales"),
    "9 bits": ({"bits": 9}, "more than 8 bits"),
    "16 bits": ({"bits": 16}, "more than 8 bits"),
    "rounded up": ({"rounding_mode": "CEIL"}, "rounds an activation by CEIL"),
    "zero point outside": ({"zero": 300.0}, "lies outside"),
    "one narrow bit": ({"bits": 1, "signed": 0, "narrow": 1}, "hold nothing but 0"),
    "two narrow bits with nothing": ({"bits": 1, "signed": 1, "zero": 1.0}, "one signed bit with a zero point"),
}


@pytest.mark.parametrize("what", list(BAD_ACTIVATIONS))
def test_a_quantization_of_activations_that_cannot_be_kept_is_refused(what: str) -> None:
    changed, words = BAD_ACTIVATIONS[what]
    given: dict[str, Any] = {"scale": 0.5, "bits": 4, "signed": 1, "narrow": 0, **changed}
    net = Net(8, opset=15)
    with pytest.raises(UnsupportedError) as raised:
        import_model(net.model({"x": [2, 8]}, {quant(net, "x", **given): None}), "net", ImportOptions())
    assert words in str(raised.value) and "(" in str(raised.value), "it says what to do"


@pytest.mark.parametrize(
    ("scale", "words"),
    [(0.0, "a scale is 0"), (-1.0, "a scale is -1"), (NAN, "no finite"), (np.ones((1, 8)), "8 scales"), (np.ones(7), "does not fit")],
)
def test_a_bipolar_activation_with_a_bad_scale_is_refused(scale: Any, words: str) -> None:
    net = Net(9, opset=15)
    with pytest.raises(UnsupportedError, match=words):
        import_model(net.model({"x": [2, 8]}, {bipolar(net, "x", scale): None}), "net", ImportOptions())


def test_a_batch_norm_that_is_not_finite_is_refused_before_a_sign_too() -> None:
    net = Net(10, opset=15)
    parts = [net.const(np.full(8, v, np.float32)) for v in (1, 0, np.inf, 1)]
    y = bipolar(net, net.add("BatchNormalization", "x", *parts))
    with pytest.raises(UnsupportedError, match="not finite"):
        import_model(net.model({"x": [2, 8]}, {y: None}), "net", ImportOptions())


@pytest.mark.parametrize("operator", ["Trunc", "FloatQuant", "MultiThreshold"])
def test_other_operators_of_qonnx_are_named(operator: str) -> None:
    net = Net(11, opset=15)
    y = net.add(operator, "x", domain=DOMAINS[1])
    with pytest.raises(UnsupportedError, match=f"{operator} '{operator}_1': edgeq has no such operator of the domain '{DOMAINS[1]}'"):
        import_model(net.model({"x": [2, 8]}, {y: None}), "net", ImportOptions())

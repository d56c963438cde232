"""A float network with activations and weights of 1 bit at the command line: quantize, inspect, plan, diagnose, reproduce."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from tests.cli.conftest import DIGITS, Edgeq
from tests.importers.onnx_nets import Net

CALIBRATION, TEST, MODEL = DIGITS / "calibration.npz", DIGITS / "test.npz", DIGITS / "digits.onnx"
QUANTIZE = ("quantize", MODEL, "--calibration", CALIBRATION, "--precision", "binary", "-o", "m.eqm")


def test_quantize_warns_and_every_command_knows_the_layers(edgeq: Edgeq) -> None:
    made = edgeq(*QUANTIZE, "--data", TEST, "--json")
    assert made.code == 0 and "was not trained with" in made.err and "docs/quantize.md" in made.err
    assert made.json["islands"] == [] and edgeq(*QUANTIZE, "--data", TEST, "--dry-run", "--json").json["bytes"] == made.json["bytes"]
    layers = edgeq("inspect", "m.eqm", "--json").json["layers"]
    products = [layer for layer in layers if layer["op"] == "conv2d_b1"]
    assert len(products) == 2 and {layer["bits"] for layer in products} == {1}
    assert {layer["kernel"] for layer in products} == {"gemm_s8_b1_b1"}
    assert edgeq("plan", "m.eqm", "-b", "local", "--json").code == 0
    diagnosed = edgeq("diagnose", MODEL, "m.eqm", "--data", TEST, "--samples", 5, "--json")
    assert diagnosed.code == 0 and "scores" in {layer["name"] for layer in diagnosed.json["layers"]}
    again = edgeq("reproduce", "m.eqm", "--model", MODEL, "--calibration", CALIBRATION, "--data", TEST)
    assert again.code == 0, again.err


def test_without_calibration_it_is_an_error_and_nothing_is_written(edgeq: Edgeq) -> None:
    result = edgeq("quantize", MODEL, "--precision", "binary", "-o", "m.eqm")
    assert result.code == 2 and "calibration" in result.err


@pytest.mark.parametrize("channels", [128])
def test_a_convolution_of_28_x_28_x_128_runs_on_the_kernel_of_signs(edgeq: Edgeq, channels: int) -> None:
    net = Net(1)
    x = net.add("Relu", net.conv("x", 3, channels, 1))
    for _ in range(2):
        x = net.add("Relu", net.batch_norm(net.conv(x, channels, channels, 3, pads=[1] * 4), channels))
    model = net.model({"x": [1, 3, 28, 28]}, {net.conv(x, channels, 4, 1): None})
    onnx.save(model, "net.onnx")
    np.savez("x.npz", x=np.random.default_rng(1).normal(0, 1, (3, 3, 28, 28)).astype(np.float32))
    assert edgeq("quantize", "net.onnx", "--calibration", "x.npz", "--precision", "binary", "-o", "n.eqm").code == 0
    layers = edgeq("inspect", "n.eqm", "--json").json["layers"]
    found = [(layer["op"], layer["kernel"]) for layer in layers]
    assert [op for op, _ in found] == ["conv2d_s8", "sign_b1", "conv2d_b1", "conv2d_b1", "conv2d_s8"]
    assert [kernel for op, kernel in found if op == "conv2d_b1"] == ["gemm_b1_b1_b1", "gemm_s8_b1_b1"]
    assert all(0.12 < layer["of_int8"] < 0.14 for layer in layers if layer["op"] == "conv2d_b1")


def test_check_says_what_the_sign_of_zero_is(edgeq: Edgeq) -> None:
    net = Net(2)
    w = net.const(np.where(net.rng.normal(size=(8, 4, 3, 3)) < 0, -0.25, 0.25).astype(np.float32))
    x = net.add("Conv", net.add("Sign", "x"), w, kernel_shape=[3, 3])
    onnx.save(net.model({"x": [1, 4, 8, 8]}, {x: None}), "signs.onnx")
    checked = edgeq("check", "signs.onnx")
    assert checked.code == 0 and "0 counts as +1" in checked.out and "weights of 1 bit x1, signs x1" in checked.out
    made = edgeq("quantize", "signs.onnx", "-o", "signs.eqm")
    assert made.code == 0 and "0 counts as +1" in made.err
    assert "conv2d_b1" in {layer["op"] for layer in edgeq("inspect", "signs.eqm", "--json").json["layers"]}

"""Every width of weights with every width of activations: a file of a real network that runs, of the size foretold, or an error that
says what exists."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edgeq_host.data import Data, Sample
from edgeq_host.errors import UsageError
from edgeq_host.graph import Array
from edgeq_host.inspect import inspect
from edgeq_host.produce import Source, predicted_bytes, produce
from edgeq_host.quant.precision import ACTIVATIONS, TERNARY
from edgeq_host.recipe import Layer, Recipe
from edgeq_runtime import native
from tests.cli.conftest import DIGITS
from tests.core import isa_masks

MODEL = DIGITS / "digits.onnx"
STORED = {"1": 1, "2": 2, "3": 4, "4": 4, "5": 8, "6": 8, "7": 8, "8": 8}  # bits in the file
NAMES = [*(f"w{w}a{a}" for w in STORED for a in sorted(ACTIVATIONS)), TERNARY, "int8", "binary", "float32"]
DEPTHWISE, DENSE = "depthwise_conv2d", ("conv2d", "fully_connected")


def _images(count: int) -> list[Array]:
    with np.load(DIGITS / "calibration.npz") as held:
        return [held["x"][i : i + 1] for i in range(count)]


def _source(precision: str, **recipe: object) -> Source:
    data = Data(None, 8, False, lambda: iter([Sample([x], None) for x in _images(8)]))
    return Source(MODEL, Recipe(precision, step=(), **recipe), data)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_a_precision_makes_a_file_that_runs(name: str) -> None:
    source = _source(name, int8_ends=False)
    packed = produce(source)
    assert predicted_bytes(source) == len(packed.data)
    outputs = [[native.Model(packed.data, isas=mask).run(x) for x in _images(3)] for mask in isa_masks()]
    assert all(np.array_equal(a, b) for other in outputs[1:] for a, b in zip(outputs[0], other, strict=True))
    if name == "float32":
        return
    weights, activations = re.fullmatch(r"w(\d)a(\d+)", {TERNARY: "w2a8", "int8": "w8a8", "binary": "w1a1"}.get(name, name)).groups()  # type: ignore[union-attr]
    layers = [layer for layer in inspect(packed.data, name).variants[0].layers if layer.bits is not None]
    wide = "s16" if activations == "16" else "s8"
    for layer in layers:
        if layer.op.startswith(DEPTHWISE):
            assert layer.op == f"{DEPTHWISE}_{wide}" and layer.bits == max(4, STORED[weights])
        else:
            assert layer.op in {f"{op}_b1" if weights == activations == "1" else f"{op}_{wide}" for op in DENSE}
            assert layer.bits == STORED[weights]
    assert len(layers) == 5
    packs = sum(layer.op in ("sign_b1", "conv2d_b1") for layer in inspect(packed.data, name).variants[0].layers)
    assert (packs > 0) == (activations == "1")


@pytest.mark.parametrize("activations", [2, 4, 8, 16])
def test_what_is_said_of_1_bit_is_said_of_it_alone(activations: int) -> None:
    assert not [w for w in produce(_source(f"w4a{activations}")).warnings if "signs" in w]


@pytest.mark.parametrize(
    ("precision", "answer", "hint"),
    [
        ("int4", "does not say how wide the activations are", "w4a8 or w4a4"),
        ("w4", "is no precision", "w1 to w8 with a16, a8, a4, a2, a1"),
        ("w9a8", "is no precision", "w1 to w8"),
        ("w8a3", "is no precision", "a16, a8, a4, a2, a1"),
        ("w1a32", "is no precision", "binary"),
        ("ternarya1", "is no precision", "ternary"),
    ],
)
def test_a_width_that_does_not_exist_is_answered_with_those_that_do(precision: str, answer: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        Recipe(precision)
    assert answer in error.value.message and hint in error.value.hint and precision in error.value.message


def _layer_of(kind: str) -> str:
    packed = produce(_source("int8"))
    return next(layer.name for layer in inspect(packed.data, "m").variants[0].layers if layer.op.startswith(kind))


@pytest.mark.parametrize(
    ("kind", "precision", "group", "answer", "hint"),
    [
        (DEPTHWISE, "w1a8", None, "weights of 1 bit: depthwise convolutions store 4 at least", "w4a8"),
        (DEPTHWISE, "w2a16", None, "depthwise convolutions store 4 at least", "w4a8"),
        (DEPTHWISE, "w8a1", None, "activations of 1 bit: depthwise", "w8a8"),
        (DEPTHWISE, "w4a8", 32, "it is a depthwise convolution", "leave group out"),
        ("conv2d", "w4a16", 32, "it reads activations of 16 bits", "leave group out"),
        ("conv2d", "binary", 32, "weights of 2 to 4 bits have them", "leave group out"),
        ("conv2d", "w8a8", 64, "weights of 2 to 4 bits have them", "leave group out"),
    ],
)
def test_what_a_layer_does_not_have_is_said_with_what_to_do(kind: str, precision: str, group: int | None, answer: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        produce(_source("int8", layer=(Layer(_layer_of(kind), precision, group),)))
    assert answer in error.value.message and hint in error.value.hint and "[[layer]]" in error.value.message

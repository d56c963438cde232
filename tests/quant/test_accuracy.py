"""Real networks: what int8 may cost at most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.importers import load
from edgeq_host.metrics import compare
from edgeq_host.quant import quantize, quantize_reported
from edgeq_host.quant.calibrators import METHODS
from edgeq_host.recipe import Input, Recipe
from edgeq_host.scores import outcome, output_sqnr
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from tests.quant import accuracy
from tests.quant.networks import NETWORKS, crops, data, keyword_spotting, mnist, tenths, with_int8_weights
from tests.reference import run_graph

AGREES = dict.fromkeys(METHODS, 0.975) | {"moving-average": 0.97}  # it clips what only the loudest samples reach


@pytest.mark.parametrize("method", METHODS)
def test_keyword_spotting_loses_at_most_07_points_and_agrees_on_975_of_1000(assets: Path, method: str) -> None:
    graph = load(assets / "models" / "kws_ref_model_float32.tflite")
    samples, rest = tenths(*keyword_spotting(assets))
    int8 = quantize_reported(graph, samples, Recipe(calibrator=method))
    assert not int8.islands
    real, found = outcome(graph, rest, "top1"), outcome(int8.graph, rest, "top1")
    assert real.score.samples == 450 and round(100 * real.score.value, 2) == 89.78
    assert compare(real, found).value >= -0.007
    assert outcome(int8.graph, rest, "agreement", graph).score.value >= AGREES[method]


def test_keyword_spotting_in_w4a8_loses_at_most_18_points_and_agrees_on_95_of_100(assets: Path) -> None:
    graph = load(assets / "models" / "kws_ref_model_float32.tflite")
    samples, rest = tenths(*keyword_spotting(assets))
    narrow = quantize_reported(graph, samples, Recipe("w4a8"))
    assert not narrow.islands
    real, found = outcome(graph, rest, "top1"), outcome(narrow.graph, rest, "top1")
    assert real.score.samples == 450 and compare(real, found).value >= -0.018
    assert outcome(narrow.graph, rest, "agreement", graph).score.value >= 0.95


def test_mnist_in_w4a8_keeps_960_of_1000(assets: Path) -> None:
    graph = load(assets / "models" / "mnist_valid_f.tflite")
    samples, rest = tenths(*mnist(assets))
    assert outcome(quantize(graph, samples, Recipe("w4a8")), rest, "top1").score.value >= 0.96


def test_mnist_keeps_963_of_1000(assets: Path) -> None:
    graph = load(assets / "models" / "mnist_valid_f.tflite")
    samples, rest = tenths(*mnist(assets))
    assert outcome(quantize(graph, samples, Recipe()), rest, "top1").score.value >= 0.963


@pytest.mark.parametrize(("title", "gain"), [("ResNet-8", 6.0), pytest.param("BlazeFace", 13.0, marks=pytest.mark.slow)])
def test_int16_activations_leave_only_what_the_weights_lose(assets: Path, title: str, gain: float) -> None:
    """Networks of which int8 activations lose most: with int16 they are as far from float as with float activations, softmax apart."""
    network = next(n for n in NETWORKS if n.title == title)
    graph, inputs = load(assets / "models" / network.file), [[x] for x in network.inputs(assets, False)]
    narrow, wide = (quantize(graph, inputs, Recipe(precision=name)) for name in ("int8", "w8a16"))
    scored = data(network.inputs(assets, True))
    int8, int16, weights = (output_sqnr(g, graph, scored) for g in (narrow, wide, with_int8_weights(graph, narrow)))
    assert min(b - a for a, b in zip(int8, int16, strict=True)) >= gain
    assert max(c - b for b, c in zip(int16, weights, strict=True)) <= (1.5 if title == "ResNet-8" else 0.3)


def test_numpy_and_c_give_the_same_integers_for_keyword_spotting(assets: Path) -> None:
    graph = load(assets / "models" / "kws_ref_model_float32.tflite")
    inputs = keyword_spotting(assets)[0]
    int8 = quantize(graph, [[x] for x in inputs[::10]], Recipe())
    session = Session(int8, keep_all=True)
    session.run(inputs[1])
    for name, value in run_graph(int8, {int8.inputs[0].tensor: to_inner(int8, int8.inputs[0], inputs[1])}).items():
        if int8.tensors[name].data is None:
            assert np.array_equal(value, session.tensor(name)), name


def test_a_raw_camera_frame_is_as_good_as_one_normalised_outside(assets: Path) -> None:
    """Visual wake words take RGB / 255: the recipe folds it away, and the int8 network reads bytes."""
    graph = load(assets / "models" / "vww_96_float.tflite")
    frames = [x.astype(np.uint8) for x in crops(96, 96, 0, 1)(assets, False)]
    raw = quantize(graph, ([f] for f in frames), Recipe(input=(Input("image", scale=1 / 255),)))
    assert raw.inputs[0].dtype == "u8" and raw.nodes[0].op == "conv2d_s8"
    real, int8 = Session(graph), Session(raw)
    for frame in (x.astype(np.uint8) for x in crops(96, 96, 0, 1)(assets, True)):
        wanted = real.run(frame.astype(np.float32) / np.float32(255))[0]
        assert np.abs(int8.run(frame)[0] - wanted).max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.title)
def test_no_output_is_under_15_db_without_an_explanation(assets: Path, network: accuracy.Network) -> None:
    for row in accuracy.outputs(assets, network):
        assert row.sqnr_db >= accuracy.LOWEST_DB or row.network in accuracy.EXPLAINED
        assert f"| {row.network} | {row.output} | {row.sqnr_db:.1f} |" in accuracy.PAGE.read_text(encoding="utf-8"), accuracy.__doc__


@pytest.mark.slow
@pytest.mark.parametrize("recipes", [accuracy.INT8, accuracy.NARROW], ids=["int8", "narrow"])
def test_the_page_holds_the_figures_with_labels(assets: Path, recipes: tuple[Recipe, ...]) -> None:
    page = accuracy.PAGE.read_text(encoding="utf-8")
    for line in accuracy.table(accuracy.labelled(assets, recipes), "")[2:]:
        assert line in page, accuracy.__doc__


@pytest.mark.slow
@pytest.mark.parametrize("title", accuracy.NESTED)
def test_the_page_holds_the_nested_networks(assets: Path, title: str) -> None:
    network = next(n for n in NETWORKS if n.title == title)
    assert accuracy.nested(assets, network) in accuracy.PAGE.read_text(encoding="utf-8"), accuracy.__doc__


def test_a_uint8_network_runs_in_int8(assets: Path) -> None:
    """MobileNetV1 with uint8 weights: their zero points are kept, and the right class of the cat stays first."""
    graph = load(assets / "models" / "mobilenet_v1_0.25_224_quant.tflite")
    found = quantize_reported(graph, None, Recipe())
    assert not found.islands
    held = np.load(assets / "golden" / "mobilenet_v1_0.25_224_quant.tflite.npz")
    session = Session(found.graph)
    for i in range(2):
        y, wanted = session.run(held[f"in{i}"])[0], held[f"out{i}_0"]
        assert y.dtype == np.uint8 and y.argmax() == wanted.argmax()

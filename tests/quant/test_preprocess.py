"""Normalisation in front of a graph: the same function of raw data as normalising outside it, borders included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq_host.errors import ModelError, UsageError
from edgeq_host.graph import Array, Edge, Graph, Quant
from edgeq_host.quant import prepare, quantize, quantize_reported
from edgeq_host.recipe import Input, Recipe
from edgeq_host.session import Session
from tests.quant.graphs import OPEN, WINDOW, Net

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "scale": 1 / 255}
SHARED = {"mean": (127.0,), "std": (128.0,)}
HALF = {"mean": (127.5,), "std": (127.5,)}
PLAIN = {"scale": 1 / 255}
random = np.random.default_rng(2)
FRAMES = random.integers(0, 256, (80, 1, 8, 8, 3)).astype(np.uint8)


def first_conv(pad: int) -> Graph:
    net = Net()
    return net.graph(net.conv(net.input("x", (1, 8, 8, 3)), "y", 6, pad=pad, **OPEN))


def recipe(**values: Any) -> Recipe:
    return Recipe(input=(Input("image", **values),))


def normal(frame: Array, mean: tuple[float, ...] = (0.0,), std: tuple[float, ...] = (1.0,), scale: float = 1.0) -> Array:
    return np.asarray((frame.astype(np.float64) * scale - np.array(mean)) / np.array(std), np.float32)


@pytest.mark.parametrize("pad", [0, 1, 2])
@pytest.mark.parametrize("values", [IMAGENET, SHARED, PLAIN], ids=["per channel", "shared", "scale"])
def test_a_prepared_float_graph_takes_raw_frames_and_gives_the_same(values: dict[str, Any], pad: int) -> None:
    graph = first_conv(pad)
    prepared = prepare(graph, recipe(**values))
    assert prepared.inputs[0].dtype == "u8"
    found, wanted = Session(prepared), Session(graph)
    for frame in FRAMES[:5]:
        x = normal(frame, **values)
        np.testing.assert_allclose(found.run(frame)[0], wanted.run(x)[0], atol=2e-5)


def test_a_mean_between_two_bytes_is_exact_inside_and_half_a_step_off_at_the_border() -> None:
    graph = first_conv(1)
    found, wanted = Session(prepare(graph, recipe(**HALF))), Session(graph)
    weights = np.abs(graph.tensors["y.w"].data).sum(axis=(1, 2, 3)).max()
    for frame in FRAMES[:5]:
        a, b = found.run(frame)[0], wanted.run(normal(frame, **HALF))[0]
        np.testing.assert_allclose(a[:, 1:-1, 1:-1], b[:, 1:-1, 1:-1], atol=2e-5)
        assert np.abs(a - b).max() <= 0.5 / 127.5 * weights


@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("values", [IMAGENET, SHARED, HALF, PLAIN], ids=["per channel", "shared", "half", "scale"])
def test_int8_takes_raw_frames_without_float_and_its_border_rows_are_as_good_as_the_middle(values: dict[str, Any], pad: int) -> None:
    graph = first_conv(pad)
    int8 = quantize(graph, ([frame] for frame in FRAMES), recipe(**values))
    assert all(n.op.endswith("_s8") or n.op == "concat" for n in int8.nodes)
    assert (int8.inputs[0].dtype, int8.tensors[int8.inputs[0].tensor].dtype) == ("u8", "s8")
    found, wanted, step = Session(int8), Session(graph), float(int8.tensors["y"].quant.scale[0])
    for frame in FRAMES[:20]:
        error = np.abs(found.run(frame)[0] - wanted.run(normal(frame, **values))[0]) / step
        assert error[:, 0].max() < 3 and error[:, -1].max() < 3 and error[:, :, 0].max() < 3 and error.max() < 3


def test_only_per_channel_padding_costs_an_operator() -> None:
    for values, ops in ((SHARED, ["conv2d_s8"]), (PLAIN, ["conv2d_s8"]), (IMAGENET, ["concat", "concat", "conv2d_s8"])):
        assert [n.op for n in quantize(first_conv(1), ([f] for f in FRAMES), recipe(**values)).nodes] == ops


def test_a_model_trained_on_bgr_takes_rgb_frames() -> None:
    for pad in (0, 1):
        graph = first_conv(pad)
        found, wanted = Session(prepare(graph, recipe(channels="BGR", **IMAGENET))), Session(graph)
        for frame in FRAMES[:5]:
            np.testing.assert_allclose(found.run(frame)[0], wanted.run(normal(frame[..., ::-1], **IMAGENET))[0], atol=2e-5)


def test_what_several_layers_read_is_normalised_by_operators() -> None:
    net = Net()
    x = net.input("x", (1, 8, 8, 3))
    a, b = net.conv(x, "a", 4, **OPEN), net.conv(x, "b", 4, **OPEN)
    graph = net.graph(a, b)
    prepared = prepare(graph, recipe(channels="BGR", **IMAGENET))
    assert [n.op for n in prepared.nodes[:3]] == ["slice", "mul_f32", "add_f32"]
    for found, wanted in zip(Session(prepared).run(FRAMES[0]), Session(graph).run(normal(FRAMES[0][..., ::-1], **IMAGENET)), strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-5)
    assert not quantize_reported(graph, ([f] for f in FRAMES), recipe(**IMAGENET)).islands


def test_an_nchw_source_takes_frames_as_a_camera_gives_them() -> None:
    graph = first_conv(1)
    graph.inputs = [Edge("x", "x", (1, 3, 8, 8), (0, 2, 3, 1), "f32")]
    prepared = prepare(graph, recipe(**IMAGENET))
    assert (prepared.inputs[0].shape, prepared.inputs[0].permutation) == ((1, 8, 8, 3), (0, 1, 2, 3))
    x = np.transpose(normal(FRAMES[0], **IMAGENET), (0, 3, 1, 2))
    np.testing.assert_allclose(Session(prepared).run(FRAMES[0])[0], Session(graph).run(x)[0], atol=2e-5)


def test_a_depthwise_first_layer_takes_the_normalisation_too() -> None:
    net = Net()
    x, w, b = net.input("x", (1, 8, 8, 3)), net.constant("w", net.normal(3, 3, 6)), net.constant("b", net.normal(6))
    graph = net.graph(net.node("depthwise_conv2d_f32", [x, w, b], "y", (1, 6, 6, 6), **WINDOW, **OPEN))
    found = Session(prepare(graph, recipe(**IMAGENET))).run(FRAMES[0])[0]
    np.testing.assert_allclose(found, Session(graph).run(normal(FRAMES[0], **IMAGENET))[0], atol=2e-5)


def dense() -> Graph:
    net = Net()
    return net.graph(net.dense(net.input("x", (1, 4)), "y", 3))


@pytest.mark.parametrize(
    ("values", "ops"),
    [
        ({"mean": (1.0, 2.0, 3.0, 4.0), "std": (2.0,)}, ["fully_connected_s8"]),
        ({"mean": (0.0,), "std": (1.0, 10.0, 100.0, 1000.0)}, ["mul_f32", "add_f32", "quantize_s8", "fully_connected_s8"]),
    ],
    ids=["one std", "different std"],
)
def test_a_vector_is_normalised_in_the_layer_or_in_float_where_features_differ(values: dict[str, Any], ops: list[str]) -> None:
    graph, chosen = dense(), Recipe(input=(Input("vector", **values),))
    std = np.broadcast_to(values["std"], 4)
    raw = [[(random.normal(size=(1, 4)) * std + np.array(values["mean"])).astype(np.float32)] for _ in range(64)]
    int8 = quantize(graph, raw, chosen)
    assert [n.op for n in int8.nodes] == ops
    found, wanted, step = Session(int8), Session(graph), float(int8.tensors["y"].quant.scale[0])
    for (x,) in raw:
        y = wanted.run(((x - np.array(values["mean"])) / std).astype(np.float32))[0]
        assert np.abs(found.run(x)[0] - y).max() < 4 * step


def test_preparing_twice_changes_nothing_more() -> None:
    once = prepare(first_conv(1), recipe(**IMAGENET))
    twice = prepare(once, recipe(**IMAGENET))
    assert twice.nodes == once.nodes and twice.inputs == once.inputs


def test_labels_go_into_the_graph() -> None:
    assert prepare(first_conv(0), Recipe(labels=("cat", "dog"))).labels == ("cat", "dog")


@pytest.mark.parametrize(
    ("chosen", "kind", "text"),
    [
        (recipe(size=(4, 4)), ModelError, r"size = \[4, 4\].*\[8, 8\]"),
        (recipe(mean=(1.0, 2.0)), UsageError, "mean has 2 numbers.*3 channels"),
        (recipe(channels="gray"), ModelError, "gray.*3 channels"),
        (recipe(name="z"), UsageError, "no such input"),
        (Recipe(input=(Input("image"), Input("image"))), UsageError, "2 inputs"),
    ],
)
def test_a_recipe_that_does_not_fit_the_model_says_why(chosen: Recipe, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        prepare(first_conv(0), chosen)


def test_a_source_that_is_quantized_cannot_be_normalised_again() -> None:
    net = Net()
    x = net.input("x", (1, 8, 8, 3), Quant(np.array([1.0]), np.array([-128])), "u8")
    with pytest.raises(ModelError, match="quantized by its source"):
        prepare(net.graph(net.conv(x, "y", 6)), recipe())

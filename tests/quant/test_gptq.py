"""GPTQ: what it computes, and that no layer is worse off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Array, Graph
from edgeq_host.importers import load
from edgeq_host.quant import quantize, quantize_reported
from edgeq_host.quant.layer import Layer, nearest, widest_ranges
from edgeq_host.quant.methods import gptq
from edgeq_host.quant.precision import WEIGHTS, Kind
from edgeq_host.recipe import Recipe, Step
from edgeq_host.session import Session
from edgeq_runtime import native
from tests.quant.graphs import RELU, WINDOW, Net, residual, samples
from tests.quant.networks import keyword_spotting

BITS = Step("mse", {"max_bits": 4}), Step("gptq", {"max_bits": 4})


def correlated(outputs: int, inputs: int, seed: int = 0) -> tuple[Array, Array]:
    """Weights, and the products of inputs that hang together."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(4 * inputs, inputs // 4)) @ random.normal(size=(inputs // 4, inputs))
    x = np.rint(40 * (mixed + 0.5 * random.normal(size=(4 * inputs, inputs))))
    return random.normal(size=(outputs, inputs)), x.T @ x


def by_elimination(w: Array, unit: Array, h: Array, kind: Kind) -> Array:
    """Optimal brain quantization in a fixed order: round one weight, spread its error by the inverse of H, drop it from the inverse."""
    w, inverse = w.copy(), np.linalg.inv(h)
    q = np.zeros(w.shape, np.int64)
    for j in range(w.shape[1]):
        q[:, j] = nearest(w[:, j], unit[:, j], kind)
        error = (w[:, j] - unit[:, j] * q[:, j]) / inverse[j, j]
        w -= error[:, None] * inverse[j]
        inverse -= np.outer(inverse[:, j], inverse[j]) / inverse[j, j]
        inverse[j, j] = 1.0  # gone: never divided by again
    return q


def layer_of(w: Array, kind: Kind) -> Layer:
    columns = np.zeros(w.shape[1], np.int64)
    layer = Layer("layer", kind, w, columns, widest_ranges(w, columns, kind, 1.0) * (0.8 if kind.bits > 1 else 1))
    layer.fix(np.zeros(len(w)))
    return layer


@pytest.mark.parametrize("act_order", [False, True])
@pytest.mark.parametrize("name", ["8", "4", "3", "2", "ternary", "1"])
def test_gptq_is_optimal_brain_quantization_in_a_fixed_order(name: str, act_order: bool) -> None:
    w, h = correlated(32, 32)
    layer = layer_of(w, WEIGHTS[name])
    unit = np.broadcast_to(layer.unit, w.shape)
    order = np.argsort(-np.diag(h), kind="stable") if act_order else np.arange(32)
    damped = h + 0.01 * np.diag(h).mean() * np.eye(32)
    wanted = np.empty_like(layer.q)
    wanted[:, order] = by_elimination(w[:, order], unit[:, order], damped[np.ix_(order, order)], layer.kind)
    loss = [_loss(w - unit * q, h) for q in (wanted, layer.q)]
    wanted = np.where((loss[0] <= loss[1])[:, None], wanted, layer.q)
    found = gptq.rounded(w, unit, layer.q, h, layer.kind, gptq.Options(act_order=act_order))
    assert np.abs(unit * found - unit * wanted).max() <= 1e-4


def _loss(error: Array, h: Array) -> Array:
    return np.einsum("oi,ij,oj->o", error, h, error)


@pytest.mark.parametrize(("name", "most"), [("4", 0.65), ("3", 0.7), ("2", 0.85)])
def test_errors_of_outputs_fall_as_they_do_with_the_inverse_of_h_and_not_without(name: str, most: float) -> None:
    w, h = correlated(64, 256)
    layer = layer_of(w, WEIGHTS[name])
    found = gptq.rounded(w, np.broadcast_to(layer.unit, w.shape), layer.q, h, layer.kind, gptq.Options())
    before, after = _loss(w - layer.unit * layer.q, h), _loss(w - layer.unit * found, h)
    assert (after <= before).all() and after.sum() <= most * before.sum()


def test_inputs_that_never_vary_leave_rounding_to_nearest() -> None:
    w, _ = correlated(8, 16)
    layer = layer_of(w, WEIGHTS["4"])
    assert np.array_equal(
        gptq.rounded(w, np.broadcast_to(layer.unit, w.shape), layer.q, np.zeros((16, 16)), layer.kind, gptq.Options()), layer.q
    )


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    w, h = correlated(16, 90)
    layer = layer_of(w, WEIGHTS["4"])
    unit = np.broadcast_to(layer.unit, w.shape)
    whole = gptq.rounded(w, unit, layer.q, h, layer.kind, gptq.Options())
    monkeypatch.setattr(gptq, "_BLOCK", 16)
    assert np.array_equal(gptq.rounded(w, unit, layer.q, h, layer.kind, gptq.Options()), whole)


@pytest.mark.parametrize("act_order", [False, True])
def test_integers_stay_within_what_each_may_become(act_order: bool) -> None:
    w, h = correlated(16, 90)
    layer = layer_of(w, WEIGHTS["4"])
    unit, options = np.broadcast_to(layer.unit, w.shape), gptq.Options(act_order=act_order)
    free = gptq.rounded(w, unit, layer.q, h, layer.kind, options)
    least = layer.q - (np.arange(w.size).reshape(w.shape) % 2)
    found = gptq.rounded(w, unit, layer.q, h, layer.kind, options, (least, layer.q))
    assert (found >= least).all() and (found <= layer.q).all() and not (free <= layer.q).all()
    assert (_loss(w - unit * found, h) <= _loss(w - unit * layer.q, h)).all() and (found != layer.q).any()


def net() -> Graph:
    """A convolution, one in groups, a depthwise one and a layer, none of them first or last."""
    net = Net()
    x = net.conv(net.input("x", (1, 8, 8, 3)), "first", 16, pad=1)
    x = net.conv(x, "plain", 16, pad=1)
    w = net.constant("g.w", net.normal(16, 3, 3, 8) / 8)
    x = net.node("conv2d_f32", [x, w, net.constant("g.b", net.normal(16))], "grouped", (1, 6, 6, 16), **_attrs(groups=2))
    w = net.constant("d.w", net.normal(3, 3, 16) / 3)
    x = net.node("depthwise_conv2d_f32", [x, w, net.constant("d.b", net.normal(16))], "depthwise", (1, 4, 4, 16), **_attrs())
    x = net.dense(net.node("reshape", [x], "flat", (1, 256)), "dense", 32)
    return net.graph(net.dense(x, "y", 5))


def _attrs(**more: int) -> dict[str, object]:
    return {**WINDOW, **RELU, **more}


def output_errors(graph: Graph, inputs: list[list[Array]], recipe: Recipe) -> dict[str, float]:
    """By layer: the mean square of what its rounded weights change in its float outputs."""
    made = quantize(graph, inputs, recipe)
    errors: dict[str, list[Array]] = {}
    for node in (n for n in made.nodes if n.op.endswith("_s8") and len(n.inputs) == 3):
        source = next(n for n in graph.nodes if n.name == node.name)
        mixed = graph.copy()
        weight = made.tensors[node.inputs[1]]
        mixed.tensors[source.inputs[1]] = replace(graph.tensors[source.inputs[1]], data=weight.real())
        sessions = [Session(g, keep_all=True) for g in (graph.with_real_constants(), mixed)]
        for sample in inputs:
            for session in sessions:
                session.run(*sample)
            a, b = (s.tensor(source.outputs[0]).astype(np.float64).reshape(-1, weight.quant.scale.size) for s in sessions)
            errors.setdefault(source.outputs[0], []).append(b - a)
    return {name: float((np.concatenate(found) ** 2).mean()) for name, found in errors.items()}


def without_clamps(graph: Graph) -> Graph:
    """Layers as they are before their activation."""
    graph = graph.copy()
    layers = [n.op.startswith(("conv", "depth")) for n in graph.nodes]
    graph.nodes = [
        replace(n, attrs=n.attrs | {"lo": -np.inf, "hi": np.inf}) if layer else n for n, layer in zip(graph.nodes, layers, strict=True)
    ]
    return graph


def changes(graph: Graph, inputs: list[list[Array]], precision: str) -> dict[str, float]:
    """By layer that is not int8: errors with GPTQ over those with rounding to nearest."""
    recipes = [Recipe(precision, step=steps) for steps in (BITS[:1], BITS)]
    plain, found = (output_errors(graph, inputs, recipe) for recipe in recipes)
    ends = {e.tensor for e in graph.outputs}
    return {n: found[n] / plain[n] for n in list(plain)[1:] if n not in ends}


@pytest.mark.parametrize("precision", ["w4a8", "w3a8", "ternary"])
def test_no_layer_has_larger_errors_than_with_rounding_to_nearest(precision: str) -> None:
    found = changes(without_clamps(net()), samples(net(), 32), precision)
    assert set(found) == {"plain", "grouped", "depthwise", "dense"}
    assert max(found.values()) <= 1.01 and min(found.values()) < 0.8, found


@pytest.mark.slow
def test_no_layer_of_keyword_spotting_has_larger_errors(assets: Path) -> None:
    graph = without_clamps(load(assets / "models" / "kws_ref_model_float32.tflite").with_real_constants())
    found = changes(graph, [[x] for x in keyword_spotting(assets)[0][::10]], "w4a8")
    assert len(found) == 9 and max(found.values()) <= 1.01 and sum(c < 0.8 for c in found.values()) >= 4, found


@pytest.mark.parametrize("precision", ["w4a8", "w2a8"])
def test_every_instruction_set_gives_the_same_file(precision: str) -> None:
    graph, inputs = net(), samples(net(), 8)
    files = {
        to_bytes(Bundle("net", [Variant("v", quantize_reported(graph, inputs, Recipe(precision, group=32), isas).graph)]))
        for isas in (None, native.isa_mask("portable"))
    }
    assert len(files) == 1


def test_another_order_of_the_samples_gives_the_same_weights() -> None:
    graph, inputs = residual(), samples(residual(), 8)
    recipe = Recipe("w4a8", int8_ends=False, step=BITS)
    made = [quantize(graph, some, recipe) for some in (inputs, inputs[::-1])]
    names = [n for n, t in made[0].tensors.items() if t.dtype == "s4"]
    assert names and all(np.array_equal(made[0].tensors[n].data, made[1].tensors[n].data) for n in names)


def test_fewer_rows_than_inputs_are_said_with_what_helps() -> None:
    """The layer called dense has 256 inputs, and a sample is one row of them."""
    few = quantize_reported(net(), samples(net(), 64), Recipe("w4a8")).warnings
    assert (
        "gptq fits the samples in 1 layer: dense.node has 256 inputs, and the samples 64 rows of them" in few[-1]
        and "damping = 0.3" in few[-1]
    )
    assert not any("gptq" in w for w in quantize_reported(net(), samples(net(), 256), Recipe("w4a8")).warnings)
    assert not any("gptq" in w for w in quantize_reported(net(), samples(net(), 64), Recipe("w4a8", step=(Step("mse"),))).warnings)

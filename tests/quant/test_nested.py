"""Nested int8 and int4: which weights have them, what both variants compute, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.data import Data
from edgeq_host.diagnose import diagnose
from edgeq_host.errors import EdgeqError, UsageError
from edgeq_host.graph import Array, Graph, Node
from edgeq_host.importers import load
from edgeq_host.produce import Source, pack_graph
from edgeq_host.quant import prepare
from edgeq_host.recipe import Layer, Recipe, Step, dumps, loads
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from edgeq_runtime.rounding import unpack_rq
from tests.core import isa_masks
from tests.quant.graphs import samples
from tests.quant.nested import LAYERS, NESTED, PLAIN, every_layer, made
from tests.quant.networks import data as data_of
from tests.quant.test_narrow import data, dense
from tests.reference import run_graph


def nodes(graph: Graph) -> dict[str, Node]:
    return {n.name.removesuffix(".node"): n for n in graph.nodes}


def constants(graph: Graph, node: Node) -> list[Array]:
    return [np.asarray(graph.tensors[name].data).astype(np.int64) for name in node.inputs[1:]]


@pytest.mark.parametrize("order", ["int8,w4a8", "w4a8,int8"])
@pytest.mark.parametrize("step", [None, PLAIN], ids=["default", "nearest"])
def test_int4_is_the_upper_plane_of_int8_with_a_bias_of_its_own(order: str, step: tuple[Step, ...] | None) -> None:
    packed = made(every_layer(), replace(NESTED, precision=order, step=step))
    int8, int4 = (nodes(v.graph) for v in sorted(packed.variants, key=lambda v: v.name))
    graphs = {v.name: v.graph for v in packed.variants}
    for name in LAYERS:
        (h, rq, low), (same, shared, bias) = constants(graphs["int8"], int8[name]), constants(graphs["w4a8"], int4[name])
        assert np.array_equal(h, same) and np.array_equal(rq, shared)
        assert np.abs(h).max() == 7 and low.min() >= -8 and low.max() <= 7 and len(np.unique(low)) > 8
        assert bias.shape == (len(rq) // 9,) and not np.array_equal(bias, unpack_rq(rq.astype(np.uint8))[0])
        tensors = [graphs["w4a8"].tensors[name].dtype for name in int4[name].inputs[1:]]
        assert tensors == ["s4", "u8", "s32"] and int8[name].attrs == int4[name].attrs
    for name in ("first", "y"):
        assert all(
            np.array_equal(a, b) for a, b in zip(constants(graphs["int8"], int8[name]), constants(graphs["w4a8"], int4[name]), strict=True)
        )
        assert len(int8[name].inputs) == 3 and graphs["int8"].tensors[int8[name].inputs[1]].dtype == "s8"


def test_rounded_to_nearest_int8_is_at_most_half_a_step_from_the_source() -> None:
    graph = dense(96, 32)
    found = made(graph, replace(NESTED, step=PLAIN))
    h, _, low = constants(found.graph, nodes(found.graph)["middle"])
    real = np.asarray(graph.tensors["w"].data).astype(np.float64)
    scale = np.abs(real).max(axis=1, keepdims=True) / 119
    assert np.abs(16 * h + low).max() == 119 and np.abs(real / scale - (16 * h + low)).max() <= 0.5 + 1e-6
    assert np.array_equal(h, (16 * h + low + 8) // 16)


@pytest.mark.parametrize("step", [None, PLAIN], ids=["default", "nearest"])
def test_numpy_and_c_give_the_same_integers_on_every_instruction_set(step: tuple[Step, ...] | None) -> None:
    graph = every_layer()
    for variant in made(graph, replace(NESTED, step=step)).variants:
        for sample in samples(graph, 2, seed=9):
            given = {e.tensor: to_inner(variant.graph, e, x) for e, x in zip(variant.graph.inputs, sample, strict=True)}
            wanted = run_graph(variant.graph, given)
            for mask in isa_masks():
                session = Session(variant.graph, keep_all=True, isas=mask)
                session.run(*sample)
                assert all(np.array_equal(wanted[name], session.tensor(name)) for name in session.names())


def test_diagnose_has_a_row_for_every_nested_layer() -> None:
    graph = every_layer()
    for variant in made(graph).variants:
        rows = {row.name: row for row in diagnose(prepare(graph, NESTED), variant.graph, data(graph)).layers}
        assert {f"{name}.node" for name in LAYERS} <= set(rows)
        assert all(rows[f"{name}.node"].alone_db > (25 if variant.name == "int8" else 12) for name in LAYERS)


def test_layers_of_other_widths_are_not_nested_and_the_rest_is() -> None:
    tables = (Layer("one.node", "w3a8", None, "w4a8"), Layer("wide.node", "int8"), Layer("full.node", "w4a8"))
    int8, int4 = (nodes(v.graph) for v in made(every_layer(), replace(NESTED, layer=tables)).variants)
    for name in ("one", "wide", "full"):
        assert len(int8[name].inputs) == len(int4[name].inputs) == 3
    for name in ("deep", "up", "product"):
        assert len(int8[name].inputs) == len(int4[name].inputs) == 4


def test_steps_that_look_at_what_was_quantized_choose_once_for_both() -> None:
    steps = (Step("gptq", {"prefix": "quantized"}), Step("bias_correction"))
    int8, int4 = (v.graph for v in made(every_layer(), replace(NESTED, step=steps)).variants)
    for name in LAYERS:
        assert np.array_equal(constants(int8, nodes(int8)[name])[0], constants(int4, nodes(int4)[name])[0])


WRONG = [
    ({"precision": "int8"}, "nested is for int8 and w4a8, .* precision is int8"),
    ({"precision": "w4a8"}, "precision is w4a8"),
    ({"precision": "int8,w2a8"}, "precision is int8,w2a8"),
    ({"precision": "int8,w4a4"}, "precision is int8,w4a4"),
    ({"precision": "int8,float32"}, "precision is int8,float32"),
    ({"precision": "int8,w4a8,ternary"}, "precision is int8,w4a8,ternary"),
    ({"group": 64}, "nested weights have no groups; group is 64"),
    ({"step": ()}, "nested weights need the step 'bias_correction'"),
    ({"step": (Step("mse"), Step("gptq"))}, "nested weights need the step 'bias_correction'"),
]


@pytest.mark.parametrize(("change", "answer"), WRONG)
def test_what_nested_weights_cannot_be_is_said(change: dict[str, object], answer: str) -> None:
    with pytest.raises(UsageError, match=answer) as raised:
        Recipe(**({"precision": "int8,w4a8"} | change), nested=True)  # type: ignore[arg-type]
    assert raised.value.hint


def test_a_layer_with_groups_is_refused_by_its_name() -> None:
    recipe = replace(NESTED, layer=(Layer("wide.node", "", 32, "w4a8"),))
    with pytest.raises(UsageError, match=r"wide\.node has groups, and nested weights have none"):
        made(every_layer(), recipe)


def test_without_samples_there_are_no_nested_weights(assets: Path) -> None:
    graph = load(assets / "models" / "kws_ref_model.tflite")
    with pytest.raises(EdgeqError, match="nested weights need calibration samples") as raised:
        pack_graph(graph, Source(None, NESTED, None, name="kws"))
    assert "--calibration" in str(raised.value.hint)


def test_a_quantized_source_can_be_nested_with_samples(assets: Path) -> None:
    graph = load(assets / "models" / "kws_ref_model.tflite")
    shape, random = graph.inputs[0].shape, np.random.default_rng(2)
    given: Data = data_of([random.integers(-128, 128, shape).astype(np.int8) for _ in range(4)])
    packed = pack_graph(graph, Source(None, NESTED, given, name="kws"))
    assert sum(len(n.inputs) == 4 for n in packed.graph.nodes) == 8


def test_the_recipe_in_a_file_says_nested_and_is_read_back() -> None:
    again = loads(dumps(NESTED))
    assert again == replace(NESTED, options=again.options, step=again.step, calibrator=NESTED.calibrator_in_force)
    assert loads('precision = "int8,w4a8"\nnested = true\n') == NESTED
    assert "nested = false" in dumps(Recipe("int8,w4a8")) and "nested" not in dumps(Recipe("w4a8"))

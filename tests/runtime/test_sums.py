"""Additions over an input's place, and in the layer before: the bytes of the reference, and only where nothing else needs that place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq_host.export import Bundle, Variant, pack, to_bytes, unpack
from edgeq_host.export.arena import plan
from edgeq_host.graph import Array, Edge, Graph, Node, Tensor
from edgeq_runtime import build, lists, native
from tests.core import isa_masks
from tests.ops.cases import cases_of
from tests.ops.cases.base import Case
from tests.ops.runner import graph_of
from tests.reference import run_graph

LEADS = ("conv2d_s8", "fully_connected_s8", "transpose_conv2d_s8")
SUM = {"a_zero": 3, "b_zero": -7, "y_zero": 5, "a_mul": 20011, "b_mul": -13001, "shift": 15, "lo": -100, "hi": 127}
BEFORE = "in the layer before"
FORMAT = -5


def edge(tensor: Tensor) -> Edge:
    return Edge(tensor.name, tensor.name, tensor.shape, tuple(range(len(tensor.shape))), tensor.dtype)


def followed(op: str, case: Case, turned: bool = False, other: tuple[int, ...] | None = None) -> Graph:
    """y = op(...) + r, or r + op(...)."""
    graph = graph_of(op, case)
    made = graph.tensors["out"]
    added, y = Tensor("r", other or made.shape, "s8"), replace(made, name="y")
    graph.tensors |= {"r": added, "y": y}
    inputs = ("r", "out") if turned else ("out", "r")
    graph.nodes.append(Node("add_s8", "sum", inputs, ("y",), SUM))
    return replace(graph, inputs=[*graph.inputs, edge(added)], outputs=[edge(y)])


def given(graph: Graph, case: Case) -> dict[str, Array]:
    rng = np.random.default_rng(2)
    found = {f"in{i}": value for i, value in enumerate(case.inputs) if i not in case.constant}
    return found | {"r": rng.integers(-128, 128, graph.tensors["r"].shape).astype(np.int8)}


def data_of(graph: Graph) -> bytes:
    return to_bytes(Bundle(graph.name, [Variant("case", graph)]))


def packings(data: bytes) -> list[str]:
    return [op.packing for op in native.Model(data).ops()]


@pytest.fixture(scope="module")
def sharing() -> Path:
    """A library in which every operator that can be shared is, however small."""
    return build.build("lib", build.Config(build.default_cc(), "sharing", ("-DEQ_SHARE_WORK=1u",)))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("op", LEADS)
def test_a_sum_in_the_layer_before_gives_the_bytes_of_the_reference(
    op: str, turned: bool, sharing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEQ_LIBRARY", str(sharing))
    for case in cases_of(op)[:24]:
        graph = followed(op, case, turned)
        data, x = data_of(graph), given(graph, case)
        want = run_graph(graph, x)["y"].tobytes()
        assert packings(data)[-1] == BEFORE
        for isas in isa_masks():
            for threads in (1, 2, 4):
                with native.Model(data, isas=isas, threads=threads) as model:
                    assert model.run([x[e.tensor] for e in graph.inputs]).tobytes() == want, (
                        f"{case.label}, isas {isas:b}, {threads} threads"
                    )


def image() -> Case:
    """A convolution whose output is no single element."""
    return next(c for c in cases_of("conv2d_s8") if len(c.shape) == 4 and min(c.shape[1:]) > 1)


def test_the_sum_takes_no_place_of_its_own_and_keeps_its_time_stamp() -> None:
    graph = followed("conv2d_s8", image())
    offsets, _ = plan(graph)
    assert offsets["y"] == offsets["out"]
    model = native.Model(data_of(graph))
    model.run([given(graph, image())[e.tensor] for e in graph.inputs])
    assert [len(times) for times in model.time_ops(5)] == [5, 5]


def reads_again(graph: Graph) -> None:
    graph.nodes.append(Node("add_s8", "again", ("y", "out"), ("z",), SUM))
    graph.tensors["z"] = replace(graph.tensors["y"], name="z")
    graph.outputs[:] = [edge(graph.tensors["z"])]


def gives_both(graph: Graph) -> None:
    graph.outputs.append(edge(graph.tensors["out"]))


def twice(graph: Graph) -> None:
    graph.nodes[-1] = replace(graph.nodes[-1], inputs=("out", "out"))
    graph.inputs.pop()


@pytest.mark.parametrize("change", [reads_again, gives_both, twice])
def test_a_layer_whose_output_is_needed_keeps_it(change: Callable[[Graph], None]) -> None:
    graph = followed("conv2d_s8", image())
    change(graph)
    offsets, _ = plan(graph)
    assert offsets["y"] != offsets["out"]
    x = given(graph, image())
    model = native.Model(data_of(graph))
    assert model.ops()[1].packing != BEFORE
    found = model.run([x[e.tensor] for e in graph.inputs])
    values = run_graph(graph, x)
    for edge_, result in zip(graph.outputs, found if isinstance(found, (list, tuple)) else [found], strict=True):
        assert np.array_equal(result, values[edge_.tensor])


def test_a_stretched_sum_runs_in_place_by_itself() -> None:
    case = image()
    graph = followed("conv2d_s8", case, other=case.shape[-1:])
    offsets, _ = plan(graph)
    assert offsets["y"] == offsets["out"]
    x, data = given(graph, case), data_of(graph)
    assert packings(data)[-1] == "in place"
    for isas in isa_masks():
        assert native.Model(data, isas=isas).run([x[e.tensor] for e in graph.inputs]).tobytes() == run_graph(graph, x)["y"].tobytes()


def named(model: Any) -> dict[str, Any]:
    return {t.name.decode(): t for t in model.variants[0].tensors if t.name}


def moved(model: Any) -> None:
    """The output lies across the end of the input."""
    y = named(model)["y"]
    y.offset += 16
    model.variants[0].activationBytes = max(model.variants[0].activationBytes, y.offset + int(np.prod(y.shape)))


def other_operator(model: Any) -> None:
    """Of all operators that work element by element, only additions may write over an input."""
    model.variants[0].operators[1].op = lists.ops()["min_s8"].id
    model.variants[0].operators[1].attributes = np.array([-128, 127], np.int32)


def both(model: Any) -> None:
    """Both inputs lie where the output lies."""
    named(model)["r"].offset = named(model)["out"].offset


@pytest.mark.parametrize("change", [moved, other_operator, both])
def test_a_file_that_says_it_where_it_cannot_be_is_refused(change: Callable[[Any], None]) -> None:
    model = unpack(data_of(followed("conv2d_s8", image())), "sum")
    change(model)
    with pytest.raises(native.Error) as caught:
        native.Model(pack(model))
    assert caught.value.status == FORMAT

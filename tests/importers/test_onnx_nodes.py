from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeq_host.errors import EdgeqError
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops import RULES
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.session import Session
from tests.importers.node_cases import PAGE, Case, Outcome, bound, evaluate
from tests.importers.onnx_node_page import page, results

Results = list[tuple[Case, Outcome]]


@pytest.fixture(scope="module")
def found() -> Results:
    return results()


def test_every_node_test_passes_or_is_refused_with_a_reason(found: Results) -> None:
    assert not [(case.name, outcome.wrong) for case, outcome in found if outcome.wrong]
    assert sum(not outcome.refused for _, outcome in found) >= 301


def test_every_operator_of_the_table_that_onnx_tests_passes_at_least_one_test(found: Results) -> None:
    passed = {case.op for case, outcome in found if not outcome.refused}
    tested = {case.op for case, _ in found}
    only_constant = {"Shape", "Size", "Constant"}
    assert {name for domain, name in RULES if not domain} & tested - only_constant <= passed


def test_the_core_gives_the_bits_of_the_reference_on_every_node_test(found: Results) -> None:
    for case, outcome in found:
        if outcome.refused or not case.inputs:
            continue
        graph = normalize(import_model(bound(case), case.name, ImportOptions()))
        inputs = dict(zip((i.name for i in case.model.graph.input), case.inputs, strict=True))
        for got, want in zip(Session(graph).run(*[inputs[e.name] for e in graph.inputs]), evaluate(graph, inputs), strict=True):
            assert got.shape == want.shape and np.array_equal(got, want, equal_nan=got.dtype.kind == "f"), case.name


def test_the_page_of_operators_is_up_to_date(found: Results) -> None:
    """Where this fails: python -m tests.importers.onnx_node_page"""
    text = PAGE.read_text(encoding="utf-8")
    if f"package {onnx.__version__}:" not in text:
        pytest.skip("the page was written with another version of onnx")
    assert text == page(found, onnx.__version__)


def test_an_integer_input_that_float_operators_read_is_refused() -> None:
    info = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Add", ["a", "a"], ["b"])
    graph = onnx.helper.make_graph([node], "ints", [info("a", onnx.TensorProto.INT32, [2])], [info("b", onnx.TensorProto.INT32, [2])])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    with pytest.raises(EdgeqError, match="expected float32"):
        import_model(model, "ints", ImportOptions())

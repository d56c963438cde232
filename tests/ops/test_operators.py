"""Every operator of ops.def: the C core under every set of instruction sets gives exactly the bytes of the numpy reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq_host.session import Session
from edgeq_runtime import lists
from tests.core import isa_masks
from tests.ops.cases import CASES, cases_of, random_case
from tests.ops.cases.base import SHORT_N
from tests.ops.cases.windows import LAYOUTS
from tests.ops.compare import difference
from tests.ops.runner import differences, graph_of, run_reference
from tests.reference import run_graph

WITH_TABLE = ("lookup_s8", "lookup_s16", "softmax_s8")  # their second input is a constant
OF_TWO = [name for name, row in lists.ops().items() if row.inputs_min == 2 == row.inputs_max and name not in WITH_TABLE]
CONVOLUTIONS = [f"{name}_{kind}" for name in LAYOUTS for kind in ("s8", "s16", "f32")]


def test_every_row_of_the_list_has_cases_and_every_case_a_row() -> None:
    assert set(CASES) == set(lists.ops())


@pytest.mark.parametrize("op", lists.ops())
def test_cases_are_the_same_on_every_run_and_use_the_fields_of_the_row(op: str) -> None:
    first, second = cases_of(op), cases_of(op)
    assert [c.label for c in first] == [c.label for c in second]
    assert all(a.tobytes() == b.tobytes() for c, d in zip(first, second, strict=True) for a, b in zip(c.inputs, d.inputs, strict=True))
    for case in first:
        graph_of(op, case).validate()


@pytest.mark.parametrize("op", lists.ops())
def test_core_equals_reference_on_every_instruction_set(op: str) -> None:
    cases = cases_of(op)
    assert len(cases) >= 8
    assert differences(op, cases) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 80))])
@pytest.mark.parametrize("op", CONVOLUTIONS)
def test_convolutions_of_any_size_equal_the_reference(op: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert differences(op, (random_case(op, rng) for _ in range(150))) == []


@pytest.mark.parametrize("op", [name for name in lists.ops() if name.endswith(("_s8", "_s16")) and "dequantize" not in name])
def test_random_cases_reach_many_values(op: str) -> None:
    """Against cases that clamp everything to one value and so compare nothing."""
    seen: set[int] = set()
    for case in cases_of(op):
        seen |= set(np.unique(run_reference(op, case)).tolist())
    assert len(seen) >= 200


@pytest.mark.parametrize("op", ["conv2d_s8", "depthwise_conv2d_s8", "transpose_conv2d_s8", "fully_connected_s8"])
def test_cases_requantize_whole_groups_of_16_channels_the_short_way_and_the_long(op: str) -> None:
    """Which way is chosen for 16 channels at once: a quarter of the groups at least goes each."""
    short = []
    for case in cases_of(op):
        n = case.inputs[2].view(np.int8)[-case.shape[-1] :]
        short += [SHORT_N[0] <= group.min() and group.max() <= SHORT_N[1] for group in (n[i : i + 16] for i in range(0, n.size - 15, 16))]
    assert len(short) >= 6 and 1 / 4 <= np.mean(short) <= 3 / 4, f"{sum(short)} of {len(short)}"


@pytest.mark.parametrize("op", OF_TWO)
def test_an_operator_may_read_one_tensor_twice(op: str) -> None:
    case = next(c for c in cases_of(op) if not c.constant and c.inputs[0].shape == c.inputs[1].shape)
    graph = graph_of(op, case)
    node = graph.nodes[0]
    graph.nodes[0] = replace(node, inputs=("in0", "in0"))
    del graph.inputs[1]
    want = run_graph(graph, {"in0": case.inputs[0]})["out"]
    for isas in isa_masks():
        assert difference(want, Session(graph, isas=isas).run(case.inputs[0])[0]) is None

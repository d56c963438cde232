"""The part of a refused model that can be kept."""

from __future__ import annotations

import random
import shlex
from pathlib import Path

import pytest

from edgeq_host.check import check
from edgeq_host.errors import ModelError
from edgeq_host.graph import Graph, Node
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.cuts import Cut, Step, best_cut

GRAPH = Graph("part", {}, [Node("add_f32", "add", (), ())], [], [])
MOVES = Graph("part", {}, [Node("reshape", "move", (), ())], [], [])


def _chain(text: str) -> list[Step]:
    """A letter a step, each reading the one before: c computes, m moves, x is refused."""
    return [Step((f"t{i}",), (f"t{i + 1}",), kind == "x", kind == "c") for i, kind in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("ccx", Cut((), ("t2",), 2)),
        ("xcc", Cut(("t1",), (), 2)),
        ("xccx", Cut(("t1",), ("t3",), 2)),
        ("cxcc", Cut(("t2",), (), 2)),
        ("ccxc", Cut((), ("t2",), 2)),
        ("cxc", Cut((), ("t1",), 1)),
        ("cxcccxc", Cut(("t2",), ("t5",), 3)),
        ("mxc", Cut(("t2",), (), 1)),
        ("mxm", None),
        ("x", None),
    ],
)
def test_a_chain_keeps_its_longest_part(text: str, cut: Cut | None) -> None:
    assert best_cut(_chain(text), ["t0"], [f"t{len(text)}"], lambda _: GRAPH) == cut


def test_a_part_that_does_not_pass_gives_way_to_the_next() -> None:
    def read(cut: Cut) -> Graph | None:
        if cut.inputs:
            raise ModelError("no", "no")
        return GRAPH

    assert best_cut(_chain("cxcc"), ["t0"], ["t4"], read) == Cut((), ("t1",), 1)
    assert best_cut(_chain("cxcc"), ["t0"], ["t4"], lambda _: None) is None
    assert best_cut(_chain("cxcc"), ["t0"], ["t4"], lambda _: MOVES) is None


def test_state_that_is_read_and_written_is_passed_in_and_out() -> None:
    steps = [
        Step((), ("read",), True, False),
        Step(("x", "read"), ("new",), False, True),
        Step(("new",), (), True, False),
        Step(("new",), ("y",), False, True),
    ]
    assert best_cut(steps, ["x"], ["y"], lambda _: GRAPH) == Cut(("x", "read"), ("new", "y"), 2)


@pytest.mark.parametrize("seed", range(40))
def test_a_part_never_needs_what_depends_on_it(seed: int) -> None:
    draw = random.Random(seed)
    steps = [
        Step(tuple(f"t{draw.randrange(i + 1)}" for _ in range(2)), (f"t{i + 1}",), draw.random() < 0.15, draw.random() < 0.8)
        for i in range(40)
    ]
    parts: list[Cut] = []

    def read(cut: Cut) -> None:
        parts.append(cut)

    best_cut(steps, ["t0"], ["t40"], read)
    for cut in parts:
        late = set(cut.outputs)
        for step in steps:
            if late & set(step.reads):
                late |= set(step.makes)
        assert not late & set(cut.inputs), "an input depends on an output"


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "parameters"),
    [("mww_hey_jarvis", 7, 7, 22111), ("trained_lstm", 1, 0, 0), ("trained_lstm_int8", 1, 0, 0)],
)
def test_the_flags_that_check_prints_make_a_real_model_pass(name: str, inputs: int, outputs: int, parameters: int, assets: Path) -> None:
    path = assets / "models" / f"{name}.tflite"
    report = check(path)
    assert report.cut is not None and (len(report.cut.inputs), len(report.cut.outputs)) == (inputs, outputs)
    words = shlex.split(list(report.lines())[-1].partition(": ")[2])
    flags = {flag: tuple(names.split(",")) for flag, names in zip(words[::2], words[1::2], strict=True)}
    part = check(path, ImportOptions(inputs=flags.get("--inputs", ()), outputs=flags.get("--outputs", ())))
    assert part.ok and part.parameters >= parameters

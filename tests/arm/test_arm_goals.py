"""Emulated: the goals that `make bench-arm` shows are met, and loops are found in what a compiler writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.arm import kernels, mca, narrow, networks
from bench.goals import Goal

pytestmark = pytest.mark.slow
ASSEMBLY = """
before:
\tldr\tq0, [x1], #16
.LBB0_1:                                // =>This Inner Loop
\tldp\tq1, q2, [x0], #32
\tsmull\tv3.8h, v1.8b, v0.8b            // a comment
\tsmlal2\tv3.8h, v1.16b, v0.16b
\tsubs\tx2, x2, #1
\tb.ne\t.LBB0_1
\tsmull\tv3.8h, v1.8b, v0.8b
\tb.ne\tbefore
"""


def met(found: list[Goal]) -> bool:
    return bool(found) and all(goal.met for goal in found)


def test_no_network_takes_more_instructions_than_litert(assets: Path, tmp_path: Path) -> None:
    found = [one for name in networks.LITERT for one in networks.measure(assets / "models" / f"{name}.tflite", tmp_path)]
    assert met(list(networks.of_counts(found)))


def test_inner_loops_multiply_as_often_as_wanted() -> None:
    assert met(list(kernels.of_loops()))


def test_weights_of_4_bits_take_fewer_instructions_than_int8_without_dot_products() -> None:
    assert dict(zip(narrow.MOST, narrow.of_widths(), strict=True))["s4"].met


def test_a_loop_is_a_block_that_jumps_to_its_own_begin() -> None:
    (loop,) = mca.loops_of(ASSEMBLY)
    assert (loop.label, len(loop.lines), loop.macs, loop.is_single_row) == (".LBB0_1", 5, 16, True)


def test_kernels_are_read_as_loops_of_whole_tiles() -> None:
    assert mca.tightest(mca.loops(kernels.NEON)).macs == 16 * 16
    assert mca.widest_single_row(mca.loops(kernels.DOTPROD)).macs == 32 * 32

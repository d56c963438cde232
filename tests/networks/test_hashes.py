"""Every network gives the output bytes of docs/output-hashes.md on every subset of this CPU's instruction sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq_runtime import native
from tests.networks import hashes

QUICK = {("kws_ref_model.tflite", "int8"), ("pretrainedResnet.onnx", "int8"), ("kws_ref_model_float32.tflite", "float32")}


def subsets() -> list[int]:
    """Every mask of instruction sets that this CPU has, portable always in."""
    whole, masks = sum(1 << bit for bit in native.isas().values()), []
    mask = 0
    while True:
        masks.append(mask | 1)
        mask = (mask - whole) & whole
        if mask == 0:
            return sorted(set(masks))


def test_the_table_has_a_row_for_every_case() -> None:
    assert list(hashes.table()) == hashes.cases()


@pytest.mark.parametrize("mask", subsets())
@pytest.mark.parametrize(
    ("network", "variant"),
    [case if case in QUICK else pytest.param(*case, marks=pytest.mark.exhaustive) for case in hashes.cases()],
)
def test_outputs_are_those_of_the_table(assets: Path, network: str, variant: str, mask: int) -> None:
    assert hashes.digest(assets, network, variant, mask) == hashes.table()[network, variant]

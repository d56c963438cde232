"""Every network gives the output bytes of docs/output-hashes.md on every subset of this CPU's instruction sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core import isa_masks
from tests.networks import hashes

WITH_GROUPS = ("vww_96_int8.tflite", "ad01_fp32.tflite")  # layers of more than 64 inputs a tap
QUICK = {
    ("kws_ref_model.tflite", "int8"),
    ("pretrainedResnet.onnx", "int8"),
    ("kws_ref_model_float32.tflite", "float32"),
    ("TFC_1W1A.onnx", "int8"),
    ("kws_ref_model_float32.tflite", "w8a16"),
    ("kws_ref_model_float32.tflite", "w4a8"),
    ("pretrainedResnet.onnx", "w2a8"),
    ("mnist_valid_f.tflite", "w1a8"),
    ("mnist_valid_f.tflite", "w4a8, gptq"),
}
SLOW = {
    *hashes.ordinary(),
    *((hashes.EVERY_WIDTH, name) for name in hashes.OTHERS),
    *((name, "int8") for name in hashes.ORDINARY),
    *((name, "w4a8, groups of 64") for name in WITH_GROUPS),
} - QUICK


def test_the_table_has_a_row_for_every_case() -> None:
    assert list(hashes.table()) == hashes.cases()


@pytest.mark.parametrize("threads", [1, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (2, 4))])
@pytest.mark.parametrize("mask", isa_masks())
@pytest.mark.parametrize(("network", "variant"), hashes.marked(QUICK, SLOW))
def test_outputs_are_those_of_the_table(assets: Path, network: str, variant: str, mask: int, threads: int) -> None:
    assert hashes.digest(assets, network, variant, mask, threads) == hashes.table()[network, variant]


@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize(("network", "variant"), sorted(QUICK))
def test_threads_give_the_outputs_of_the_table(assets: Path, network: str, variant: str, threads: int) -> None:
    assert hashes.digest(assets, network, variant, threads=threads) == hashes.table()[network, variant]


@pytest.mark.parametrize(("network", "variant"), hashes.marked(QUICK, SLOW))
def test_packs_have_the_bytes_of_the_table(assets: Path, network: str, variant: str) -> None:
    assert len(hashes.pack_of(assets, network, variant)) == hashes.sizes()[network, variant]

"""Emulated: whole networks give the output bytes of docs/output-hashes.md on every 64-bit Arm CPU."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.arm import guest
from edgeq_runtime import native
from tests.networks import hashes

ORDINARY = {("kws_ref_model.tflite", "int8"), ("pretrainedResnet_quant.tflite", "int8"), ("kws_ref_model_float32.tflite", "float32")}


@pytest.mark.slow
@pytest.mark.parametrize("cpu", guest.CPUS)
@pytest.mark.parametrize(
    ("network", "variant"),
    [case if case in ORDINARY else pytest.param(*case, marks=pytest.mark.exhaustive) for case in hashes.cases()],
)
def test_outputs_are_those_of_the_table(assets: Path, tmp_path: Path, network: str, variant: str, cpu: str) -> None:
    data = hashes.pack_of(assets, network, variant)
    pack = tmp_path / "model.eqm"
    pack.write_bytes(data)
    samples = b"".join(np.ascontiguousarray(x).tobytes() for sample in hashes.inputs(assets, network, native.Model(data)) for x in sample)
    assert hashlib.sha256(guest.infer(cpu, pack, samples)).hexdigest() == hashes.table()[network, variant]

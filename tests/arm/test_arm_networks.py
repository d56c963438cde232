"""Emulated: whole networks give the output bytes of docs/output-hashes.md on every 64-bit Arm CPU."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.arm import guest
from edgeq_runtime import native
from tests.networks import hashes

ORDINARY = {
    ("kws_ref_model.tflite", "int8"),
    ("pretrainedResnet_quant.tflite", "int8"),
    ("kws_ref_model_float32.tflite", "float32"),
    ("kws_ref_model_float32.tflite", "w8a16"),
    ("pretrainedResnet.onnx", "w8a16"),
    ("TFC_1W1A.onnx", "int8"),
    *hashes.ordinary(),
}


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.exhaustive), pytest.param(4, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("cpu", guest.CPUS)
@pytest.mark.parametrize(("network", "variant"), hashes.marked(ORDINARY))
def test_outputs_are_those_of_the_table(assets: Path, tmp_path: Path, network: str, variant: str, cpu: str, threads: int) -> None:
    data = hashes.pack_of(assets, network, variant)
    pack = tmp_path / "model.eqm"
    pack.write_bytes(data)
    samples = b"".join(np.ascontiguousarray(x).tobytes() for sample in hashes.inputs(assets, network, native.Model(data)) for x in sample)
    assert hashlib.sha256(guest.infer(cpu, pack, samples, threads)).hexdigest() == hashes.table()[network, variant]


@pytest.mark.slow
def test_threads_give_the_same_bytes(assets: Path, tmp_path: Path) -> None:
    data = hashes.pack_of(assets, "kws_ref_model.tflite", "int8")
    pack = tmp_path / "model.eqm"
    pack.write_bytes(data)
    sample = np.random.default_rng(3).integers(0, 256, native.Model(data).inputs[0].bytes, np.uint8).tobytes()
    assert len({guest.infer("cortex-a76", pack, sample, threads) for threads in (1, 2, 4)}) == 1

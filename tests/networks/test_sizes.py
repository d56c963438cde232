"""The packed file, self-test included, against the int8 .tflite of the same network; the planned arena against what is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.produce import Source, produce
from edgeq_runtime import native
from tests.core import high_water, isa_masks
from tests.networks import hashes

LIMITS = {"kws_ref_model": 0.75, "pretrainedResnet_quant": 0.95, "vww_96_int8": 0.87, "ad01_int8": 1.05}
PLAIN = ("float32", "int8", "w8a16")
SMALL = {
    *(f"{name}.tflite" for name in ("kws_ref_model", "pretrainedResnet_quant", "ad01_int8", "mnist_valid_q", "micro_speech_quantized")),
    *("hello_world_int8.tflite", "person_detect.tflite", "kws_ref_model_float32.tflite", "pretrainedResnet.onnx", "ad01_fp32.tflite"),
    *("mnist_valid_f.tflite", "hello_world_float.tflite"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_pack_is_no_larger_than_promised(assets: Path, name: str) -> None:
    source = assets / "models" / f"{name}.tflite"
    data = produce(Source(source)).data
    assert len(data) <= LIMITS[name] * source.stat().st_size, f"{len(data)} bytes, the .tflite has {source.stat().st_size}"


def arena_cases() -> list[object]:
    """Every network, in its plain precisions in every run of CI; the fast set has the small ones of these."""
    plain = [case for case in hashes.cases() if case[1] in PLAIN]
    return hashes.marked([case for case in plain if case[0] in SMALL], [*plain, *hashes.ordinary()])


def exact_arena(model: native.Model, sample: list[np.ndarray]) -> None:
    plan = model.plan
    assert high_water(model, sample) == plan.arena_bytes
    scratch = -(-plan.activation_bytes // 64) * 64 + plan.scratch_bytes if plan.scratch_bytes else plan.activation_bytes
    assert plan.arena_bytes == scratch


@pytest.mark.parametrize(("network", "variant"), arena_cases())
def test_the_planned_arena_is_touched_to_its_last_byte_and_every_instruction_set_gives_the_same(
    assets: Path, network: str, variant: str
) -> None:
    results = []
    for mask in isa_masks():
        model = native.Model(hashes.pack_of(assets, network, variant), isas=mask)
        sample = [np.asarray(x) for x in hashes.inputs(assets, network, model)[0]]
        exact_arena(model, sample)
        found = model.run(sample)
        results.append([y.tobytes() for y in (found if isinstance(found, list) else [found])])
    assert all(result == results[0] for result in results)

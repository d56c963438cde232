"""The packed file, self-test included, against the int8 .tflite of the same network; the planned arena against what is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq_host.produce import Source, produce
from edgeq_runtime import native
from tests.networks.zoo import INT8, inputs_of, packed

LIMITS = {"kws_ref_model": 0.75, "pretrainedResnet_quant": 0.95, "vww_96_int8": 0.87, "ad01_int8": 1.05}


@pytest.mark.parametrize("name", LIMITS)
def test_a_pack_is_no_larger_than_promised(assets: Path, name: str) -> None:
    source = assets / "models" / f"{name}.tflite"
    data = produce(Source(source)).data
    assert len(data) <= LIMITS[name] * source.stat().st_size, f"{len(data)} bytes, the .tflite has {source.stat().st_size}"


@pytest.mark.parametrize("isas", ["portable", "all"])
@pytest.mark.parametrize("name", INT8)
def test_the_planned_arena_is_touched_to_its_last_byte_and_not_beyond(assets: Path, name: str, isas: str) -> None:
    model = native.Model(packed(assets, name), isas=1 if isas == "portable" else None)
    assert touched(model, inputs_of(assets, name)) == model.plan.arena_bytes


def touched(model: native.Model, inputs: list[object]) -> int:
    """End of the last byte of the arena that an inference writes: painted with two patterns, a byte that is not written differs."""
    marks = []
    for pattern in (0x55, 0xAA):
        model._arena.view[:] = bytes([pattern]) * model.plan.arena_bytes
        model.run(inputs)
        marks.append(bytes(model._arena.view))
    written = [i for i, (a, b) in enumerate(zip(*marks, strict=True)) if not (a == 0x55 and b == 0xAA)]
    return max(written) + 1

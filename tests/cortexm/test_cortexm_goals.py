"""Emulated: layers on a Cortex-M4 and M55 take the instructions that `make bench-cortexm` promises, and the two ways to count agree."""

from __future__ import annotations

import math

import pytest

from bench import layers
from bench.cortexm import guest, helium, kernels
from bench.goals import Goal
from edgeq_host.export.container import unpack
from edgeq_host.export.prepack import prepack

pytestmark = pytest.mark.slow
SAME = 0.01  # of -icount's


def test_layers_meet_their_goals() -> None:
    """Of those of signs the deep one: shallow layers of signs do not."""
    short = {f"{layer.name}, signs" for layer in (kernels.POINT, kernels.CONV3)}
    found: list[Goal] = [goal for goal in kernels.of_layers() if goal.what.rpartition(",")[0] not in short]
    assert len(found) == 7 and all(goal.met for goal in found), [goal for goal in found if not goal.met]


def test_layers_with_helium_meet_their_goals() -> None:
    found: list[Goal] = list(helium.of_layers())
    assert len(found) == 9 and all(goal.met for goal in found), [goal for goal in found if not goal.met]


@pytest.mark.parametrize("core", ["m4", "m55"])
@pytest.mark.parametrize(
    "layer", [kernels.POINT, kernels.CONV3, kernels.DEPTHWISE, kernels.FC], ids=lambda layer: layer.op + layer.name[:3]
)
def test_plugin_and_icount_agree(layer: kernels.Layer, core: str) -> None:
    count = kernels.count(layer, core=core)
    assert count.same and abs(count.plain - count.icount) <= SAME * count.icount and count.weighted >= count.plain


@pytest.mark.parametrize("core", ["m4", "m55"])
@pytest.mark.parametrize("weights", ["s8", "s4", "s2", "b1"])
def test_layers_give_the_bytes_of_portable_kernels(weights: str, core: str) -> None:
    assert kernels.count(kernels.POINT, weights, core).same


@pytest.mark.parametrize(("core", "isa"), [("m4", "cortexm_dsp"), ("m55", "cortexm_mve")])
@pytest.mark.parametrize("weights", ["s8", "s4", "b1"])
def test_weights_packed_in_the_file_are_used_where_they_lie(weights: str, core: str, isa: str) -> None:
    layer = kernels.FC_SIGNS if weights == "b1" else kernels.FC
    plain, sample = kernels.data_of(layer, weights), layers.noise(math.prod(layer.x))
    there = prepack(unpack(plain, "layer"), [isa])
    packs, in_place = guest.infer(core, plain, sample), guest.infer(core, there, sample)
    assert in_place.outputs == packs.outputs
    assert packs.model_bytes - in_place.model_bytes >= math.prod(layer.weights) * {"s8": 8, "s4": 4, "b1": 1}[weights] // 8

"""Narrow weights packed in the file: as small beside int8's as in the neutral layout, used where they lie, the same outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench import signs
from bench.layers import Layer
from edgeq_host.errors import UsageError
from edgeq_host.export import prepack, unpack
from edgeq_host.graph import Graph
from edgeq_host.produce import Source, pack_graph
from edgeq_host.recipe import Recipe
from edgeq_runtime import lists, native
from edgeq_runtime.rounding import BYTES_PER_CHANNEL
from tests.quant.test_narrow import dense, pointwise

INPUTS, CHANNELS = 1024, 64
WIDTHS = {("w4a8", 0): 0.52, ("w4a8", 64): 0.52, ("w2a8", 0): 0.27, ("w2a8", 128): 0.27, ("ternary", 0): 0.27, ("w1a8", 0): 0.14}
STORED = {"w4a8": "s4", "w2a8": "s2", "ternary": "s2", "w1a8": "b1"}
MAKERS = (dense, pointwise)


def isas_of(weight: str, group: int) -> list[str]:
    """Those that pack weights of a type for int8 activations: with groups, those that read rows of bytes."""
    ends = tuple(f"{row}_{weight}" for row in ("s8_s8", "s8_u8", *(() if group else ("s8_s16",))))
    having = {k.isa for k in lists.kernels() if k.family == "gemm" and k.types in ends and k.kr}
    return [name for name in lists.isas() if name in having]


def packed(make: Callable[[int, int], Graph], precision: str, group: int) -> bytes:
    return pack_graph(make(INPUTS, CHANNELS), Source(None, Recipe(precision, group=group, step=()), "random")).data


def in_file(data: bytes, isa: str) -> int:
    """Bytes of the layer of 1024 inputs as an instruction set wants them, with all that scales them."""
    model = unpack(prepack(unpack(data, "net"), [isa]), "net")
    (variant,) = model.variants
    layer = next(o for o in variant.operators if variant.tensors[o.inputs[1]].shape[-1] == INPUTS and o.packed)
    (entry,) = layer.packed
    return sum(len(model.buffers[i].data) for i in (entry.buffer, *(variant.tensors[t].buffer for t in layer.inputs[2:])))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("precision", "group"), WIDTHS)
def test_weights_for_an_instruction_set_take_their_share_of_int8(make: Callable[[int, int], Graph], precision: str, group: int) -> None:
    narrow, whole = packed(make, precision, group), packed(make, "int8", 0)
    isas = isas_of(STORED[precision], group)
    assert {"avx2", "avx512_vnni", "neon", "neon_dotprod", "neon_i8mm"} <= set(isas)
    for isa in isas:
        assert in_file(narrow, isa) <= WIDTHS[precision, group] * in_file(whole, isa), isa


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("precision", "group"), WIDTHS)
def test_they_are_used_where_they_lie_and_give_the_same_bytes(make: Callable[[int, int], Graph], precision: str, group: int) -> None:
    plain = packed(make, precision, group)
    here = [name for name in isas_of(STORED[precision], group) if name in native.isas()]
    data = prepack(unpack(plain, "net"), isas_of(STORED[precision], group))
    x = np.random.default_rng(5).normal(size=native.Model(plain).inputs[0].shape).astype(np.float32)
    wanted = native.Model(plain, isas=1).run(x)
    for name in here:
        model = native.Model(data, isas=1 << native.isas()[name])
        assert [op.packing.endswith(", in the file") for op in model.ops() if op.macs] == [True] * 3
        assert np.array_equal(model.run(x), wanted)
        model.selftest()


@pytest.mark.parametrize("isa", [k.isa for k in lists.kernels() if k.family == "gemm" and k.types == "b1_b1_b1" and k.kr])
def test_signs_that_are_multiplied_with_signs_take_a_seventh_of_int8(isa: str) -> None:
    layer = Layer("1x1 of 1024", "CONV_2D", (1, 1, 4, INPUTS), (CHANNELS, 1, 1, INPUTS))
    assert in_file(signs.packed(layer), isa) <= 0.14 * CHANNELS * (INPUTS + BYTES_PER_CHANNEL)


def test_an_instruction_set_without_kernels_for_a_layer_packs_none() -> None:
    with pytest.raises(UsageError, match="no layer of this model has weights that avx512_vpopcntdq packs") as error:
        prepack(unpack(packed(dense, "w4a8", 0), "net"), ["avx512_vpopcntdq"])
    assert "b1_b1_b1, s8_b1_b1" in error.value.hint

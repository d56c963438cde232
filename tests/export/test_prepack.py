"""Weights packed in the file: used where they lie, the same outputs, and no harm from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq_host.errors import UsageError
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export import pack, prepack, unpack
from edgeq_host.export.prepack import names, packed
from edgeq_runtime import lists, native
from tests.networks import zoo
from tests.runtime.models import branches, with_selftest

FAST = ("kws_ref_model", "mnist_valid_q", "person_detect")
ALL = tuple(name for name in lists.isas() if any(k.isa == name and k.kr and k.types.endswith("_s8") for k in lists.kernels()))
HERE = tuple(name for name in native.isas() if name in ALL)
FORMAT = -5


def with_weights(assets: Path, network: str, *isas: str) -> bytes:
    return prepack(unpack(zoo.packed(assets, network), network), isas)


def results(data: bytes, mask: int, x: list[Any]) -> list[bytes]:
    y = native.Model(data, isas=mask).run(x[0])
    return [np.asarray(a).tobytes() for a in (y if isinstance(y, tuple) else (y,))]


@pytest.mark.parametrize("isa", HERE)
@pytest.mark.parametrize("network", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in zoo.INT8])
def test_weights_are_used_where_they_lie(assets: Path, network: str, isa: str) -> None:
    plain, data = zoo.packed(assets, network), with_weights(assets, network, isa)
    mask = 1 << native.isas()[isa]
    before, after = native.Model(plain, isas=mask), native.Model(data, isas=mask)
    assert all(op.packing in ("", "in place", "in the layer before") or op.packing.endswith(", in the file") for op in after.ops())
    assert not any("file" in op.packing for op in before.ops())
    model = unpack(data, network)
    weights = sum(len(model.buffers[entry.buffer].data) for entry in packed(model))
    assert before.plan.packed_bytes - after.plan.packed_bytes == weights > 0
    x = zoo.inputs_of(assets, network)
    assert results(data, mask, x) == results(plain, mask, x)
    after.selftest()


@pytest.mark.parametrize("network", FAST)
def test_on_another_instruction_set_the_file_runs_as_before(assets: Path, network: str) -> None:
    plain, data = zoo.packed(assets, network), with_weights(assets, network, "neon", "neon_dotprod")
    assert native.Model(data).plan == native.Model(plain).plan
    x = zoo.inputs_of(assets, network)
    assert results(data, -1 & 0xFFFFFFFF, x) == results(plain, -1 & 0xFFFFFFFF, x)


def test_every_instruction_set_packs_here_whatever_this_cpu_is(assets: Path) -> None:
    data = with_weights(assets, "kws_ref_model", *ALL)
    assert names(unpack(data, "kws")) == list(ALL)
    assert native.Model(data).selftest() is None


def test_taking_them_out_gives_the_file_of_before(assets: Path) -> None:
    data = with_weights(assets, "kws_ref_model", *ALL)
    assert prepack(unpack(data, "kws"), ()) == zoo.packed(assets, "kws_ref_model")
    assert with_weights(assets, "kws_ref_model", "avx2") == prepack(unpack(data, "kws"), ("avx2",))


def test_a_name_that_is_none_and_a_model_without_such_weights_are_refused(assets: Path) -> None:
    with pytest.raises(UsageError, match="no instruction set 'sse9'") as caught:
        with_weights(assets, "kws_ref_model", "sse9")
    assert all(name in caught.value.hint for name in ALL)
    with pytest.raises(UsageError, match="no layer of this model has weights that avx2 packs"):
        prepack(unpack(with_selftest(branches(), (1,)), "branches"), ("avx2",))


def entry_of(model: Any) -> Any:
    return packed(model)[0]


def longer(model: Any) -> None:
    entry_of(model).layout = np.append(entry_of(model).layout, 1).astype(np.int32)


def outside(model: Any) -> None:
    entry_of(model).buffer = len(model.buffers)


def none(model: Any) -> None:
    entry_of(model).buffer = -1


def too_many(model: Any) -> None:
    first = next(o for v in model.variants for o in v.operators if o.packed)
    first.packed = [first.packed[0]] * 17


@pytest.mark.parametrize("change", [longer, outside, none, too_many])
def test_entries_that_name_nothing_are_refused_on_every_instruction_set(assets: Path, change: Callable[[Any], None]) -> None:
    model = unpack(with_weights(assets, "mnist_valid_q", "neon"), "mnist")
    change(model)
    for isa in ("portable", *HERE):
        with pytest.raises(native.Error) as caught:
            native.Model(pack(model), isas=1 << native.isas()[isa])
        assert caught.value.status == FORMAT


def test_weights_of_another_layout_or_length_are_packed_anew(assets: Path) -> None:
    plain = zoo.packed(assets, "mnist_valid_q")
    x = zoo.inputs_of(assets, "mnist_valid_q")
    for field in range(7):
        model = unpack(with_weights(assets, "mnist_valid_q", *HERE), "mnist")
        for entry in packed(model):
            entry.layout = np.array([v + (i == field) for i, v in enumerate(entry.layout)], np.int32)
        assert native.Model(pack(model)).plan == native.Model(plain).plan
        assert results(pack(model), native.isa_mask(""), x) == results(plain, native.isa_mask(""), x)
    model = unpack(with_weights(assets, "mnist_valid_q", *HERE), "mnist")
    for entry in packed(model):
        model.buffers[entry.buffer].data = np.asarray(model.buffers[entry.buffer].data)[:-1]
    assert native.Model(pack(model)).plan == native.Model(plain).plan


def test_wrong_weights_do_not_pass_the_health_check(assets: Path) -> None:
    model = unpack(with_weights(assets, "mnist_valid_q", *HERE), "mnist")
    for entry in packed(model):
        model.buffers[entry.buffer].data = np.asarray(model.buffers[entry.buffer].data) ^ 0x55
    with pytest.raises(native.Error, match="sample 0"):
        native.Model(pack(model)).selftest()


def test_a_microcontroller_s_file_is_too_little_aligned_and_packs_when_opened(assets: Path) -> None:
    model = unpack(with_weights(assets, "mnist_valid_q", *HERE), "mnist")
    model.alignment = 16
    opened = native.Model(pack(model))
    opened.selftest()
    used = [op for op in opened.ops() if op.packing.endswith("in the file")]
    assert len(used) < sum(op.packing not in ("", "in place") for op in opened.ops())


def test_an_entry_without_bytes_is_no_weights_for_a_kernel_that_packs_none(assets: Path) -> None:
    """kr = 0: the portable kernel's own layout, and a buffer of nothing."""
    plain = zoo.packed(assets, "mnist_valid_q")
    model = unpack(with_weights(assets, "mnist_valid_q", "avx2"), "mnist")
    model.buffers.append(empty := eqm.BufferT())
    empty.data = np.zeros(0, np.uint8)
    for entry in packed(model):
        entry.layout = np.array([*entry.layout[:3], 1, 0, *entry.layout[5:]], np.int32)
        entry.buffer = len(model.buffers) - 1
    x = zoo.inputs_of(assets, "mnist_valid_q")
    assert results(pack(model), 1, x) == results(plain, 1, x)
    assert not any(op.packing.endswith("in the file") for op in native.Model(pack(model), isas=1).ops())


def test_a_name_given_twice_counts_once(assets: Path) -> None:
    assert with_weights(assets, "mnist_valid_q", *["avx2"] * 17) == with_weights(assets, "mnist_valid_q", "avx2")

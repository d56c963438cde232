"""Memory: the planned bytes are the used bytes, and handles do not meet."""

from __future__ import annotations

import threading
from ctypes import byref, c_void_p

import numpy as np
import pytest

from edgeq_runtime import abi, lists, native
from tests.core import MARGIN, high_water, isa_masks, painted_run
from tests.ops.cases import cases_of
from tests.ops.runner import model_bytes
from tests.runtime.models import branches, branches_result, with_selftest


@pytest.mark.parametrize("op", lists.ops())
def test_an_operator_stays_inside_its_arena_and_needs_nothing_that_was_there(op: str) -> None:
    for case in cases_of(op)[:12]:
        inputs = [x for i, x in enumerate(case.inputs) if i not in case.constant]
        for isas in isa_masks():
            model = native.Model(model_bytes(op, case), isas=isas)
            runs = [painted_run(model, inputs, colour) for colour in (0x00, 0xFF)]
            for paint, run in zip((0x00, 0xFF), runs, strict=True):
                assert run[model.plan.arena_bytes :] == bytes([paint]) * MARGIN, f"{case.label}: wrote behind the arena"
            places = [t for t in model.tensors() if not t.constant]
            assert max(t.offset + t.bytes for t in places) == model.plan.activation_bytes
            for t in places:
                assert runs[0][t.offset : t.offset + t.bytes] == runs[1][t.offset : t.offset + t.bytes], f"{case.label}: read old memory"


@pytest.mark.parametrize("op", lists.ops())
def test_the_planned_arena_is_the_high_water_mark(op: str) -> None:
    for case in cases_of(op)[:6]:
        for isas in isa_masks():
            model = native.Model(model_bytes(op, case), isas=isas)
            assert high_water(model, [x for i, x in enumerate(case.inputs) if i not in case.constant]) == model.plan.arena_bytes, case.label


def test_the_planned_model_memory_is_enough_and_one_byte_less_is_not() -> None:
    lib = native.library()
    for op in ("conv2d_s8", "fully_connected_s8", "depthwise_conv2d_s8", "add_f32"):
        model = native.Model(model_bytes(op, cases_of(op)[0]))
        size = model.plan.model_bytes
        memory = native.Memory(size + 64, b"\xa5" * (size + 64))
        for offered, shift, want in ((size, 0, 0), (size - 1, 0, -9), (0, 0, -9), (size, 8, -8)):
            assert lib.eq_open(byref(c_void_p()), byref(model._file), 0, model.isas, memory.address + shift, offered) == want
        assert bytes(memory.view[size:]) == b"\xa5" * 64


def test_a_small_or_misaligned_arena_is_refused() -> None:
    model = native.Model(with_selftest(branches()))
    lib, size = native.library(), model.plan.arena_bytes
    memory = native.Memory(size + 64)
    assert lib.eq_run(model._handle, memory.address, size - 1, None) == -9
    assert lib.eq_run(model._handle, memory.address + 16, size, None) == -8
    assert lib.eq_run(model._handle, None, size, None) == abi.STATUS_ARGUMENT


def test_a_hundred_handles_over_shared_weights_give_their_own_results() -> None:
    first = native.Model(with_selftest(branches()))
    handles = [first, *(first.share() for _ in range(99))]
    inputs = [np.full((1, 4, 2, 3), i, np.float32) for i in range(len(handles))]
    for i, handle in enumerate(handles):
        handle._set(0, inputs[i])
    for i, handle in enumerate(handles):
        handle._run(None)
        assert np.array_equal(handle._get(0), branches_result(inputs[i]))


def test_threads_run_at_the_same_time_in_arenas_of_their_own() -> None:
    first = native.Model(with_selftest(branches()))
    wrong: list[int] = []

    def work(seed: int) -> None:
        model, rng = first.share(), np.random.default_rng(seed)
        for _ in range(200):
            x = rng.normal(size=(1, 4, 2, 3)).astype(np.float32)
            if not np.array_equal(model.run(x), branches_result(x)):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_every_subset_of_instruction_sets_opens_and_names_its_kernels() -> None:
    data = model_bytes("conv2d_s8", cases_of("conv2d_s8")[0])
    names = native.isas()
    for mask in isa_masks():
        (op,) = native.Model(data, isas=mask).ops()
        assert op.kernel.startswith("gemm_") and mask >> names[op.isa] & 1
    assert native.Model(data, isas=0).ops()[0].isa == "portable"


def test_edgeq_isa_chooses_instruction_sets_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    data = model_bytes("conv2d_s8", cases_of("conv2d_s8")[0])
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    assert native.Model(data).ops()[0].isa == "portable"
    monkeypatch.setenv("EDGEQ_ISA", "mmx")
    with pytest.raises(native.Error, match="no instruction set 'mmx' on this CPU: have portable"):
        native.Model(data)

"""Threads: the bytes of one, an arena that is exact, and a pool that comes and goes with its model."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
import numpy as np
import pytest

from edgeq_host.cli import evaluate, profile, run
from edgeq_host.produce import Source, produce
from edgeq_runtime import build, lists, native
from edgeq_runtime.threads import MAX
from tests.core import isa_masks
from tests.ops.cases import cases_of, low
from tests.ops.cases.base import Case, rng_of
from tests.ops.runner import model_bytes


@pytest.fixture(scope="module")
def sharing() -> Path:
    """A library in which every operator that can be shared is, however small."""
    return build.build("lib", build.Config(build.default_cc(), "sharing", ("-DEQ_SHARE_WORK=1u",)))


@pytest.fixture(scope="module")
def kws(assets: Path) -> bytes:
    return produce(Source(assets / "models" / "kws_ref_model.tflite")).data


@pytest.fixture
def model(kws: bytes) -> Iterator[native.Model]:
    with native.Model(kws, threads=2) as found:
        yield found


def sample(model: native.Model) -> np.ndarray:
    return np.random.default_rng(5).integers(-128, 128, model.inputs[0].shape).astype(np.int8)


def own_threads() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.mark.parametrize("op", lists.ops())
def test_any_number_of_threads_gives_the_bytes_of_one(op: str, sharing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_LIBRARY", str(sharing))
    _same_on_any_number_of_threads(op, cases_of(op)[:24])


@pytest.mark.parametrize(("op", "form"), [(op, form) for op in low.OPS for form in low.forms(op)])
def test_narrow_weights_give_the_same_bytes_on_any_number_of_threads(
    op: str, form: str, sharing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEQ_LIBRARY", str(sharing))
    _same_on_any_number_of_threads(op, list(islice(low.cases(op, form, rng_of(op)), 12)))


def _same_on_any_number_of_threads(op: str, cases: list[Case]) -> None:
    for case in cases:
        data, inputs = model_bytes(op, case), [x for i, x in enumerate(case.inputs) if i not in case.constant]
        for isas in isa_masks():
            want = native.Model(data, isas=isas).run(inputs).tobytes()
            for threads in (2, 3, 5):
                with native.Model(data, isas=isas, threads=threads) as shared:
                    assert shared.run(inputs).tobytes() == want, f"{case.label}, isas {isas:b}, {threads} threads"


def test_a_network_gives_the_same_bytes_on_one_to_four_threads_again_and_again(kws: bytes) -> None:
    one = native.Model(kws)
    x = sample(one)
    want = one.run(x).tobytes()
    for threads in (1, 2, 3, 4):
        with native.Model(kws, threads=threads) as shared:
            assert {shared.run(x).tobytes() for _ in range(20)} == {want}


def test_scratch_is_planned_for_each_thread_and_a_byte_less_is_refused(kws: bytes) -> None:
    one, three = native.Model(kws), native.Model(kws, threads=3)
    each = -(-one.plan.scratch_bytes // native.ALIGN) * native.ALIGN
    assert three.plan.arena_bytes == one.plan.arena_bytes + 2 * each
    arena, workers = three._arena, three._threads.workers()
    assert native.library().eq_run_on(three._handle, arena.address, arena.size, workers, None) == 0
    assert native.library().eq_run_on(three._handle, arena.address, arena.size - 1, workers, None) == -9


@pytest.mark.parametrize("count", [0, -1, MAX + 1, 1.5, None])
def test_a_number_of_threads_that_cannot_be_is_an_error(kws: bytes, count: int) -> None:
    with pytest.raises(native.Error, match=f"threads is {count}, expected a number from 1 to {MAX}"):
        native.Model(kws, threads=count)


@pytest.mark.parametrize("command", [run.command, evaluate.command, profile.command], ids=lambda command: command.name)
def test_the_core_python_and_the_command_line_have_one_maximum(command: click.Command) -> None:
    """The command line imports the runtime only where it runs a model, so that it has a number of its own."""
    (core,) = re.findall(r"^#define EQ_THREADS_MAX (\d+)$", (build.CSRC / "eq.h").read_text(encoding="utf-8"), re.M)
    (option,) = [p for p in command.params if p.name == "threads"]
    assert isinstance(option.type, click.IntRange)
    assert (option.type.min, option.type.max) == (1, MAX) and int(core) == MAX


def test_threads_start_with_the_first_run_and_end_with_the_model(kws: bytes) -> None:
    before = own_threads()
    with native.Model(kws, threads=3) as shared:
        assert own_threads() == before
        shared.run(sample(shared))
        assert own_threads() == before + 2
        other = shared.share()
        other.run(sample(other))
        assert own_threads() == before + 4
    assert own_threads() == before + 2
    del other
    assert own_threads() == before


def test_threads_that_wait_use_no_time(model: native.Model) -> None:
    model.run(sample(model))
    time.sleep(0.1)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.05
    model.run(sample(model))


def test_a_process_that_was_forked_starts_its_own(model: native.Model) -> None:
    want = model.run(sample(model)).tobytes()
    child = os.fork()
    if child == 0:
        os._exit(0 if model.run(sample(model)).tobytes() == want and own_threads() == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

"""Threads of an inference on a board: asked for, counted, refused where a port has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.errors import BoardError
from edgeq_host.produce import Source, produce
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_runtime import build, native
from tests.agent.conftest import Local


@pytest.fixture(scope="module")
def kws(assets: Path) -> bytes:
    return produce(Source(assets / "models" / "kws_ref_model.tflite")).data


def test_threads_on_the_device_give_the_bytes_of_one_and_the_arena_of_all(local: Local, kws: bytes) -> None:
    here = native.Model(kws, threads=3)
    x = np.random.default_rng(1).integers(-128, 128, here.inputs[0].shape).astype(np.int8)
    with RemoteModel(local.target, "kws", kws, threads=3) as there:
        assert (there.opened.threads, there.opened.arena_bytes) == (3, here.plan.arena_bytes)
        assert np.array_equal(there.run(x), native.Model(kws).run(x))
        single = there.device.open()
        assert (single.threads, single.arena_bytes) == (1, native.Model(kws).plan.arena_bytes)


def test_a_profile_says_how_many_threads_there_were(local: Local, kws: bytes) -> None:
    assert [profile(local.target, "kws", kws, runs=3, warmup=0, threads=n).threads for n in (1, 2)] == [1, 2]


def test_more_threads_than_there_can_be_are_refused(local: Local, kws: bytes) -> None:
    with pytest.raises(BoardError, match="threads cannot be started"), RemoteModel(local.target, "kws", kws, threads=65):
        pass


def test_a_port_without_threads_refuses_them(local: Local, kws: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = build.build("posix", build.config_for("posix", None, False))
    board = replace(local.target, address=local.target.address.replace("{agent}", str(agent)), name="posix")
    with pytest.raises(BoardError, match="threads cannot be started"), RemoteModel(board, "kws", kws, threads=2):
        pass

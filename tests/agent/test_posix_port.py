"""Core, agent and link as firmware links them: small frames, one pool of memory, no processes."""

from __future__ import annotations

import ctypes
import hashlib
import random
from dataclasses import replace

import numpy as np
import pytest

from edgeq_host import deploy as d
from edgeq_host.errors import BoardError, RolledBackError
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_runtime import build, native
from tests.agent.conftest import Local, network, packed, sample


@pytest.fixture
def device(local: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    path = build.build("posix", build.config_for("posix", None, False))
    monkeypatch.setenv("EDGEQ_AGENT", str(path))
    return replace(local, target=replace(local.target, name="posix"))


def is_current(device: Local, data: bytes) -> bool:
    with d.connect(device.target) as there:
        return there.has("kws", hashlib.sha256(data).hexdigest())


def test_a_microcontroller_deploys_runs_profiles_and_rolls_back(device: Local) -> None:
    for seed in (1, 2):
        d.deploy(device.target, device.file("kws", packed(seed)))
    with RemoteModel(device.target, "kws") as there:
        assert np.array_equal(there.run(sample()), native.Model(packed(2), isas=1).run(sample()))
        assert there.device.link.statistics()["payload"] <= 512
    assert len(profile(device.target, "kws", runs=30).layers) == 2
    assert d.rollback(device.target, "kws").version == 1
    with pytest.raises(RolledBackError):
        d.deploy(device.target, device.file("kws", packed(3, break_output=True)))
    assert is_current(device, packed(1))


def test_a_model_that_does_not_fit_the_memory_is_refused_with_nothing_changed(device: Local) -> None:
    d.deploy(device.target, device.file("kws", packed(1)))
    size = 400_000  # an arena of at least as much, of small constants
    wide = network(1)
    for name in ("x", "y"):
        wide.tensors[name] = replace(wide.tensors[name], shape=(1, size))
    wide.nodes = [replace(wide.nodes[1], inputs=("x",))]
    wide.inputs, wide.outputs = [replace(wide.inputs[0], shape=(1, size))], [replace(wide.outputs[0], shape=(1, size))]
    with pytest.raises(BoardError, match="not enough memory"):
        d.deploy(device.target, device.file("kws", to_bytes(Bundle("wide", [Variant("int8", wide)]))))
    assert is_current(device, packed(1))


def test_inputs_larger_than_a_message_arrive_in_parts(device: Local) -> None:
    data = packed(5, size=3000)
    with RemoteModel(device.target, "file", data) as there:
        assert np.array_equal(there.run(sample(3000)), native.Model(data, isas=1).run(sample(3000)))


class Pool(ctypes.Structure):
    _fields_ = [("memory", ctypes.c_void_p), ("size", ctypes.c_size_t), ("marked", ctypes.c_int)]


def _pool_library() -> ctypes.CDLL:
    lib = native.library()
    lib.eq_pool_alloc.restype, lib.eq_pool_alloc.argtypes = ctypes.c_void_p, [ctypes.POINTER(Pool), ctypes.c_size_t]
    lib.eq_pool_free.restype, lib.eq_pool_free.argtypes = None, [ctypes.POINTER(Pool), ctypes.c_void_p]
    lib.eq_pool_room.restype, lib.eq_pool_room.argtypes = ctypes.c_size_t, [ctypes.POINTER(Pool)]
    lib.eq_pool_mark.restype, lib.eq_pool_mark.argtypes = None, [ctypes.POINTER(Pool)]
    lib.eq_pool_settle.restype, lib.eq_pool_settle.argtypes = None, [ctypes.POINTER(Pool), ctypes.c_int]
    return lib


def test_the_pool_never_hands_out_a_byte_twice_and_gives_all_of_it_back() -> None:
    lib = _pool_library()
    raw = ctypes.create_string_buffer(8192 + 64)
    start = -(-ctypes.addressof(raw) // 64) * 64
    pool, generator = Pool(start, 8192, 0), random.Random(1)
    whole = lib.eq_pool_room(pool)
    blocks: dict[int, int] = {}
    for _ in range(3000):
        if blocks and generator.random() < 0.5:
            address = generator.choice(sorted(blocks))
            assert ctypes.string_at(address, blocks[address]) == bytes([address // 64 % 256]) * blocks.pop(address)
            lib.eq_pool_free(pool, address)
            continue
        size = generator.choice([0, 1, 63, 64, 65, 500, 3000])
        if address := lib.eq_pool_alloc(pool, size):
            assert address % 64 == 0 and start <= address and address + size <= start + 8192
            assert ctypes.string_at(address, size) == bytes(size)
            ctypes.memset(address, address // 64 % 256, size)
            blocks[address] = size
    for address in blocks:
        lib.eq_pool_free(pool, address)
    assert lib.eq_pool_room(pool) == whole and lib.eq_pool_alloc(pool, whole)


@pytest.mark.parametrize("keep", [0, 1])
def test_what_ended_work_had_allocated_goes_back_and_nothing_else(keep: int) -> None:
    lib = _pool_library()
    raw = ctypes.create_string_buffer(8192 + 64)
    pool = Pool(-(-ctypes.addressof(raw) // 64) * 64, 8192, 0)
    lib.eq_pool_mark(pool)
    lib.eq_pool_settle(pool, keep)  # of a pool that was never used
    before = [lib.eq_pool_alloc(pool, 100) for _ in range(3)]
    lib.eq_pool_free(pool, before[1])
    room = lib.eq_pool_room(pool)
    lib.eq_pool_mark(pool)
    during = [lib.eq_pool_alloc(pool, size) for size in (100, 1000)]
    assert during[0] == before[1] and all(during)
    lib.eq_pool_settle(pool, keep)
    assert (lib.eq_pool_room(pool) == room) is (keep == 0)
    for address in (before[0], before[2], *(during if keep else [])):
        lib.eq_pool_free(pool, address)
    assert lib.eq_pool_alloc(pool, 8192 - 64) and lib.eq_pool_room(pool) == 0

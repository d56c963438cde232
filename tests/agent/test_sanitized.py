"""The agent with AddressSanitizer and UndefinedBehaviorSanitizer: every command once, and hostile messages."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from edgeq_host import deploy as d
from edgeq_host import keys, signing, wire
from edgeq_host.bench import problems
from edgeq_host.device import STORE
from edgeq_host.enroll import enroll, revoke
from edgeq_host.errors import RolledBackError
from edgeq_host.faults import Refused
from edgeq_host.log import log
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_runtime import build, native
from tests.agent.conftest import Local, packed, sample
from tests.agent.test_protocol import send_raw

pytestmark = pytest.mark.slow


@pytest.fixture(params=["agent", "posix"])
def device(local: Local, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Local:
    path = build.build(request.param, build.config_for(request.param, None, True))
    monkeypatch.setenv("EDGEQ_AGENT", str(path))
    monkeypatch.setenv("ASAN_OPTIONS", "exitcode=77")
    return replace(local, target=replace(local.target, name=request.param))


def test_every_command_runs_without_a_finding(device: Local) -> None:
    for seed in (1, 2, 3):
        d.deploy(device.target, device.file("kws", packed(seed)))
    with pytest.raises(RolledBackError):
        d.deploy(device.target, device.file("kws", packed(4, break_output=True)))
    assert d.rollback(device.target, "kws").version == 2
    d.deploy(device.target, device.file("kws", packed(2)), keep=8)
    assert d.rollback(device.target, "kws@3").version == 3 and d.rollback(device.target, "kws").version == 2
    d.remove(device.target, "kws@3")
    assert log(device.target).entries[-1].event == "removed"
    with RemoteModel(device.target, "kws") as there:
        assert np.array_equal(there.run(sample()), native.Model(packed(2)).run(sample()))
        there.device.selftest("kws", 10)
    assert profile(device.target, "file", packed(5), runs=5).runs == 5
    assert len(d.status(device.target).models) == 1
    d.remove(device.target, "kws")


def test_keys_and_signatures_give_no_finding(device: Local) -> None:
    public = keys.create(device.folder / "k.key", "k")
    key = keys.read_private(keys.Secret(file=device.folder / "k.key"), None)
    other = keys.create(device.folder / "o.key", "o")
    assert enroll(device.target, public, None).left == 1 and enroll(device.target, other, key).left == 2
    d.deploy(device.target, device.file("kws", signing.sign(packed(1), "kws", key, 5)))
    for data in (packed(2), signing.sign(packed(2), "kws", key, 4), signing.sign(packed(2), "kws", key, 6)[:-1], bytes(200)):
        with d.connect(device.target) as session, pytest.raises(Refused):
            session.put("kws", data, STORE)
    assert d.status(device.target).models[0].counter == 5
    assert revoke(device.target, "o", key).left == 1 and revoke(device.target, "k", key).left == 0


def test_kernels_of_any_size_that_is_taken_stay_within_their_memory(device: Local) -> None:
    generator = random.Random(9)
    sizes = (0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 33, 48, 63, 64, 65, 100, 129)
    taken = 0
    with d.connect(device.target) as session:
        for _ in range(400):
            family = generator.choice(list(problems.GRID))
            rows, channels, inputs = (generator.choice(sizes) for _ in range(3))
            if family in ("add", "lookup"):
                channels = inputs = 1
            asked = {"family": family, "rows": rows, "channels": channels, "inputs": inputs, "rounds": 1, "all": 1}
            try:
                taken += len(list(session.link.stream("bench", "speed", **asked)))
            except Refused:
                continue
    assert taken > 300


def test_random_messages_and_bytes_give_no_finding(device: Local) -> None:
    generator = random.Random(5)
    ids = [row.id for row in wire.messages().values()]
    for _ in range(3):
        with d.connect(device.target, 10) as session:
            for _ in range(300):
                size = generator.randrange(80)
                send_raw(session, wire.HEAD.pack(generator.choice(ids), size) + generator.randbytes(size))
            session.link.transport.write(generator.randbytes(3000), 10)
            for _ in range(20):
                session.link._pump(0.02)

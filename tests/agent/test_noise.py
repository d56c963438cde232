"""Whole deploys over a line that loses and changes frames: the transport is the pipe with faults in both directions."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_host.remote import RemoteModel
from edgeq_host.transports import pipe
from edgeq_runtime import native
from tests.agent.conftest import Local, packed, sample

Fault = Callable[[int, bytes], bytes]


class _Faulty(pipe.PipeTransport):
    reliable = False
    brought = 0
    up: Fault
    down: Fault
    sent = received = 0

    def write(self, data: bytes, timeout_s: float) -> None:
        data = type(self).up(type(self).sent, data)
        type(self).sent += 1
        if data:
            super().write(data, timeout_s)

    def read(self, size: int, timeout_s: float) -> bytes:
        data = super().read(size, timeout_s)
        if not data:
            return data
        type(self).received += 1
        return type(self).down(type(self).received - 1, data)


def use(monkeypatch: pytest.MonkeyPatch, up: Fault, down: Fault) -> None:
    _Faulty.up, _Faulty.down, _Faulty.sent, _Faulty.received = staticmethod(up), staticmethod(down), 0, 0
    monkeypatch.setattr(pipe, "PipeTransport", _Faulty)


def same(_: int, data: bytes) -> bytes:
    return data


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("up", [True, False])
def test_a_deploy_survives_the_loss_of_any_of_its_frames(local: Local, monkeypatch: pytest.MonkeyPatch, number: int, up: bool) -> None:
    def lose(count: int, data: bytes) -> bytes:
        return b"" if count == number else data

    use(monkeypatch, lose if up else same, same if up else lose)
    assert d.deploy(local.target, local.file("kws", packed(1)), quiet_s=10).version == 1


def test_a_noisy_line_gives_the_same_bits(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(4)

    def noise(_: int, data: bytes) -> bytes:
        out = bytearray(data)
        for at in range(len(out)):
            if generator.random() < 2e-4:
                out[at] ^= 1 << generator.randrange(8)
        return bytes(out)

    use(monkeypatch, noise, noise)
    data = packed(3, size=1500)
    d.deploy(local.target, local.file("kws", data))
    assert edgeq_runtime.open("kws").sha256 == native.Model(data).sha256
    with RemoteModel(local.target, "kws") as there:
        assert np.array_equal(there.run(sample(1500)), native.Model(data).run(sample(1500)))

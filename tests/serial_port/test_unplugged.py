"""A cable that is pulled during a command: what was begun goes on when the port is back, or ends in one clear error."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from edgeq_host import deploy as d
from edgeq_host import sample_model
from edgeq_host.errors import DeviceTimeoutError, LinkError
from edgeq_host.link import AFRESH_S
from edgeq_host.remote import RemoteModel
from edgeq_host.serial_port import line as lines
from edgeq_runtime import native
from tests.serial_port.conftest import Chip, Wired

SIZE = 10_000  # of the model: a file of 90 KB, 4 s at 230400 baud


def during(wired: Wired, bytes_up: int, act: Callable[[], None]) -> threading.Thread:
    """Do something once so many bytes more have gone to the chip."""
    start = wired.line.up

    def wait() -> None:
        while wired.line.up < start + bytes_up:
            time.sleep(0.005)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def replug(wired: Wired, reset: bool, away_s: float = 0.3) -> None:
    wired.line.unplug()
    if reset:
        wired.line.reset()
    time.sleep(away_s)
    wired.line.plug()


@pytest.mark.slow
def test_a_deploy_goes_on_where_the_cable_was_pulled_and_the_chip_has_power(chip: Chip) -> None:
    wired, data = chip("?fastest=230400"), sample_model.packed(1, SIZE)
    thread = during(wired, 30_000, lambda: replug(wired, reset=False))
    began = time.monotonic()
    assert d.deploy(wired.target, wired.file("kws", data)).version == 1
    thread.join()
    assert time.monotonic() - began < 15, "the speed was not raised again"
    assert wired.line.up < 1.3 * len(data) and d.status(wired.target, "kws").models[0].current is not None


@pytest.mark.slow
def test_a_deploy_to_a_chip_that_the_cable_feeds_goes_on_with_what_it_has_kept(chip: Chip) -> None:
    wired, data = chip("?fastest=921600"), sample_model.packed(1, SIZE)
    thread = during(wired, 50_000, lambda: replug(wired, reset=True))
    began = time.monotonic()
    assert d.deploy(wired.target, wired.file("kws", data)).version == 1
    thread.join()
    assert time.monotonic() - began < AFRESH_S + 12
    assert wired.line.up < 1.4 * len(data), "what the flash had kept was sent again"


@pytest.mark.slow
def test_a_model_sent_to_memory_that_is_lost_with_the_power_is_sent_again(chip: Chip) -> None:
    wired, data = chip("?fastest=921600"), sample_model.packed(1, SIZE)
    thread = during(wired, 50_000, lambda: replug(wired, reset=True))
    x = np.zeros((1, SIZE), np.float32)
    with RemoteModel(wired.target, "kws", data) as there:
        assert np.array_equal(there.run(x), native.Model(data, isas=1).run(x))
    thread.join()


def test_between_two_runs_a_pulled_cable_is_not_even_noticed(chip: Chip) -> None:
    wired, data = chip(hurried=True), sample_model.packed(3)
    with RemoteModel(wired.target, "kws", data) as there:
        before = there.run(sample_model.sample())
        replug(wired, reset=False, away_s=0.05)
        assert np.array_equal(there.run(sample_model.sample()), before)


@pytest.mark.slow
def test_a_chip_that_has_started_anew_between_two_runs_is_one_clear_error(chip: Chip) -> None:
    wired = chip(hurried=True)
    with RemoteModel(wired.target, "kws", sample_model.packed(3)) as there:
        replug(wired, reset=True, away_s=0.05)
        with pytest.raises(LinkError, match="has started anew") as info:
            there.run(sample_model.sample())
    assert info.value.kind == "started_anew" and info.value.code == 4
    assert d.status(wired.target).models == ()


def test_a_port_that_does_not_come_back_is_one_clear_error(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "RETURN_S", 0.5)
    wired, data = chip(hurried=True), sample_model.packed(1, SIZE)
    thread = during(wired, 30_000, wired.line.unplug)
    with pytest.raises(LinkError, match=r"the port went away .* was not back within") as info:
        d.deploy(wired.target, wired.file("kws", data))
    thread.join()
    assert info.value.code == 4 and not isinstance(info.value, DeviceTimeoutError)
    wired.line.plug()
    began = wired.line.up
    assert d.deploy(wired.target, wired.file("kws", data)).version == 1
    assert wired.line.up - began < len(data) - 10_000, "the repetition did not go on where the first had ended"


def test_the_commit_of_a_chip_that_is_gone_leaves_an_unknown_state(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "RETURN_S", 0.3)
    wired, data = chip(hurried=True), sample_model.packed(2)
    before = d.Device.commit

    def pulled(self: d.Device, limit_s: float, keep: int = 0) -> d.Switched:
        wired.line.unplug()
        return before(self, limit_s, keep)

    monkeypatch.setattr(d.Device, "commit", pulled)
    with pytest.raises(DeviceTimeoutError, match="could not be asked"):
        d.deploy(wired.target, wired.file("kws", data))
    wired.line.plug()
    monkeypatch.undo()
    assert d.deploy(wired.target, wired.file("kws", data)).version == 1


@pytest.mark.slow
def test_random_pulls_never_keep_a_deploy_from_its_end(chip: Chip) -> None:
    """Of a chip with power of its own, at any byte of the session."""
    wired, generator = chip(hurried=True), random.Random(5)
    for seed in range(4):
        data = sample_model.packed(seed, 3000)
        thread = during(wired, generator.randrange(100, 26_000), lambda: replug(wired, reset=False, away_s=0.02))
        assert d.deploy(wired.target, wired.file("kws", data)).version == seed + 1
        thread.join()

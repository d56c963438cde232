"""Versions that a device keeps, and its log, as a host sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgeq_host import deploy as d
from edgeq_host import wire
from edgeq_host.cli import deploy as command
from edgeq_host.device import Device
from edgeq_host.errors import BoardError, RollbackError, RolledBackError, UsageError
from edgeq_host.faults import Refused
from edgeq_host.installed import split_version
from edgeq_host.link import Link
from edgeq_host.log import log
from edgeq_host.plan import plan
from tests.agent.conftest import Local, packed
from tests.agent.test_protocol import send_raw
from tests.store.log_file import entry


def deploy(local: Local, *seeds: int, keep: int = 0) -> None:
    for seed in seeds:
        d.deploy(local.target, local.file(f"n{seed}", packed(seed)), "kws", keep=keep)


def kept(local: Local) -> list[int]:
    (model,) = d.status(local.target).models
    assert model.current == model.versions[0] and model.previous == (model.versions[1] if len(model.versions) > 1 else None)
    return [version.version for version in model.versions]


def test_a_device_keeps_as_many_versions_as_it_is_told(local: Local) -> None:
    deploy(local, 1, 2, 3, 4, keep=3)
    assert kept(local) == [4, 3, 2] and d.status(local.target).models[0].keep == 3
    deploy(local, 5)
    assert kept(local) == [5, 4, 3]
    assert plan(local.target, local.file("n6", packed(6)), "kws", keep=2).changes[1:] == (
        "keeps version 5 for rollback",
        "removes version 4",
        "removes version 3",
    )


def test_the_same_file_with_another_number_to_keep_removes_what_is_too_much(local: Local) -> None:
    deploy(local, 1, 2, 3, keep=3)
    file = local.file("n3", packed(3))
    assert plan(local.target, file, "kws", keep=1).changes == ("keeps 1 version from now on", "removes version 2", "removes version 1")
    assert kept(local) == [3, 2, 1]
    done = d.deploy(local.target, file, "kws", keep=1)
    assert (done.changed, done.version, done.keep, done.dropped) == (True, 3, 1, (2, 1)) and kept(local) == [3]
    assert "1 version stays from now on, version 2 was removed, version 1 was removed" in command._text(done)
    assert [(e.event, e.version) for e in log(local.target).entries[3:]] == [("removed", 2), ("removed", 1)]
    again = d.deploy(local.target, file, "kws", keep=1)
    assert (again.changed, again.dropped) == (False, ()) and "nothing was changed" in command._text(again)
    more = d.deploy(local.target, file, "kws", keep=3)
    assert (more.changed, more.keep, more.dropped) == (True, 3, ()) and "3 versions stay" in command._text(more)
    d.deploy(local.target, file, "kws", keep=1)
    deploy(local, 4)
    assert kept(local) == [4]


def test_the_same_file_takes_no_second_place_and_plan_says_so(local: Local) -> None:
    deploy(local, 1, 2, 3, keep=3)
    d.rollback(local.target, "kws")
    assert plan(local.target, local.file("n3", packed(3)), "kws").changes[1:] == (
        "keeps version 2 for rollback",
        "removes version 3",
        "keeps version 1 for rollback",
    )
    deploy(local, 3)
    assert kept(local) == [4, 2, 1]


def test_a_log_that_cannot_be_read_is_an_error_and_not_an_empty_one(local: Local) -> None:
    deploy(local, 1)
    (local.store / ".log").rename(local.store / ".log.old")
    (local.store / ".log").mkdir()
    with pytest.raises(BoardError, match=r"log of local: a link or a special file"):
        log(local.target)
    done = local.agent("log")
    assert done.returncode == 3 and "installed" in done.stdout and "the log: a link or a special file" in done.stderr


def test_back_to_any_version_and_one_removed(local: Local) -> None:
    deploy(local, 1, 2, 3, 4, keep=4)
    done = d.rollback(local.target, "kws@2")
    assert done.version == 2 and done.replaced is not None and done.replaced.version == 4 and kept(local) == [2, 4, 3, 1]
    assert d.rollback(local.target, "kws").version == 4
    assert d.remove(local.target, "kws@3").version == 3 and kept(local) == [4, 2, 1]
    for call in (lambda: d.remove(local.target, "kws@4"), lambda: d.rollback(local.target, "kws@4")):
        with pytest.raises(UsageError, match="this version is the current one"):
            call()
    for call in (lambda: d.remove(local.target, "kws@3"), lambda: d.rollback(local.target, "kws@3")):
        with pytest.raises(UsageError, match="no such model or version"):
            call()


def test_a_rollback_to_a_damaged_version_names_the_newest_sound_one(local: Local) -> None:
    deploy(local, 1, 2, 3, 4, 5, keep=5)
    for version, content in ((4, packed(4)[:-1] + b"?"), (3, b"short")):
        (local.store / f"kws/v{version}.eqm").write_bytes(content)
    for name in ("kws", "kws@4"):
        with pytest.raises(RollbackError) as info:
            d.rollback(local.target, name)
        assert "`edgeq rollback kws@2 -b local`" in info.value.hint
    for version in (1, 2):
        d.remove(local.target, f"kws@{version}")
    with pytest.raises(RollbackError) as info:
        d.rollback(local.target, "kws")
    assert info.value.hint == "nothing was changed; deploy the version that you want"
    assert kept(local)[0] == 5


@pytest.mark.parametrize("text", ["kws@", "kws@0", "kws@-1", "kws@x", "kws@4294967296", "kws@²", "kws@1@2", "kws@ 1", "kws@" + "9" * 5000])
def test_a_version_that_is_no_number_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is no version"):
        split_version(text)


def test_the_log_says_what_has_happened(local: Local) -> None:
    deploy(local, 1, 2)
    with pytest.raises(RolledBackError):
        d.deploy(local.target, local.file("bad", packed(3, break_output=True)), "kws")
    d.rollback(local.target, "kws")
    d.deploy(local.target, local.file("vww", packed(4)))
    d.remove(local.target, "kws")
    entries = log(local.target).entries
    assert [(e.number, e.event, e.name, e.version, e.fault) for e in entries] == [
        (1, "installed", "kws", 1, ""),
        (2, "installed", "kws", 2, ""),
        (3, "install_failed", "kws", 0, "selftest_failed"),
        (4, "rolled_back", "kws", 1, ""),
        (5, "installed", "vww", 1, ""),
        (6, "removed", "kws", 0, ""),
    ]
    assert all(e.time.startswith("20") and e.time.endswith("Z") and e.agent == "0.1.0" for e in entries)
    assert entries[2].text == "install failed: the self-test gave other outputs than the file says"
    assert [e.number for e in log(local.target, "vww").entries] == [5]


def test_a_log_with_events_and_faults_of_a_newer_agent_is_shown(local: Local) -> None:
    local.store.mkdir()
    (local.store / ".log").write_bytes(entry(1, 200, "kws", 1) + entry(2, 4, "kws", 0, fault=999))
    found = log(local.target).entries
    assert [e.text for e in found] == ["event 200", "install failed: fault 999"]
    assert [(e.event, e.fault) for e in found] == [("event_200", ""), ("install_failed", "fault_999")]


@contextmanager
def older(local: Local, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The agent as one that speaks 1.3: what this end has agreed with it."""
    connect = Link._connect

    def as_of_1_3(self: Link) -> None:
        connect(self)
        self.minor = 3

    with monkeypatch.context() as patch:
        patch.setattr(Link, "_connect", as_of_1_3)
        yield


def test_an_older_agent_is_not_asked_for_what_it_would_misunderstand(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would remove every version where one is named."""
    deploy(local, 1, 2, keep=3)
    with older(local, monkeypatch):
        for call in (
            lambda: d.remove(local.target, "kws@1"),
            lambda: d.rollback(local.target, "kws@1"),
            lambda: deploy(local, 3, keep=4),
        ):
            with pytest.raises(UsageError, match="older than"):
                call()
    assert kept(local) == [2, 1] and d.status(local.target).models[0].unfinished == 0


def test_an_older_host_gets_what_it_knows(local: Local) -> None:
    """Its messages end before the fields of 1.4."""
    deploy(local, 1, 2, 3, keep=3)
    file = packed(4)
    with Device(local.target.address, "local") as device:
        ids = {name: row.id for name, row in wire.messages().items()}
        send_raw(device, wire.HEAD.pack(ids["list"], 0))
        assert [device.link.receive().name for _ in range(2)] == ["entry", "done"]
        device.put("kws", file, 1)
        send_raw(device, wire.HEAD.pack(ids["commit"], 4) + (5000).to_bytes(4, "little"))
        assert device.link.receive()["version"] == 4
        send_raw(device, wire.HEAD.pack(ids["rollback"], 8) + b"\x03kws" + (5000).to_bytes(4, "little"))
        assert device.link.receive()["version"] == 3
    assert kept(local) == [3, 4, 2]


def test_a_commit_without_a_number_to_keep_is_out_of_order_where_the_file_is_current(local: Local) -> None:
    deploy(local, 1)
    with Device(local.target.address, "local") as device:
        assert device.put("kws", packed(1), 1) == 1
        for keep, fault in ((0, "order"), (9, "argument")):
            device.put("kws", packed(1), 1)
            with pytest.raises(Refused) as info:
                device.commit(1, keep)
            assert info.value.name == fault


def test_an_older_agent_says_of_two_versions(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(local, 1, 2, 3, keep=3)
    stream = Link.stream

    def without(self: Link, name: str, /, *kinds: str, **values: Any) -> Iterator[wire.Reply]:
        return (r for r in stream(self, name, *kinds, **values) if r.name != "retained")

    monkeypatch.setattr(Link, "stream", without)
    assert kept(local) == [3, 2]


def test_what_a_device_says_holds_no_control_characters(local: Local) -> None:
    row = wire.encode("kernel", name="gemm\x1b[2J\n\u202eok é")
    assert wire.decode(wire.messages()["kernel"].id, row[wire.HEAD.size :])["name"] == "gemm\\x1b[2J\\n\\u202eok é"


def test_a_link_in_the_store_is_said_and_not_followed(local: Local, tmp_path: Path) -> None:
    deploy(local, 1)
    (tmp_path / "outside").mkdir()
    (local.store / "vww").symlink_to(tmp_path / "outside")
    damaged = {m.name: m.damaged for m in d.status(local.target).models}
    assert damaged["kws"] == "" and "a link or a special file" in damaged["vww"]
    with Device(local.target.address, "local") as device, pytest.raises(Exception, match="a link or a special file"):
        device.put("vww", packed(2), 1)
    assert list((tmp_path / "outside").iterdir()) == []

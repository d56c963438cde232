"""edgeq key enroll, revoke and list on a device, and what it takes then: over the link, in its memory, and by its own command."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host import keys, signing, trust
from edgeq_host.deploy import connect
from edgeq_host.device import MEMORY, STORE, Device
from edgeq_host.enroll import enroll, enrolled, revoke
from edgeq_host.errors import BoardError, SignatureError, UsageError
from edgeq_host.faults import Refused
from edgeq_host.log import log
from edgeq_host.profile import profile
from tests.agent.conftest import Local, built_agent, local, packed
from tests.signing.conftest import Desk

__all__ = ["built_agent", "local"]  # fixtures


def signed(desk: Desk, counter: int, seed: int = 1, by: str = "release") -> bytes:
    return signing.sign(packed(seed), "m", desk.private(by), counter)


@pytest.fixture
def locked(local: Local, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Local:
    """The board `local` where `release` is enrolled."""
    monkeypatch.setenv("EDGEQ_STORE", str(local.store))
    assert enroll(local.target, desk.public(), None).left == 1
    return local


def sent(device: Device, name: str, data: bytes) -> str:
    """What the device answers to a host that does not ask beforehand: the fault, or empty."""
    try:
        if device.put(name, data, STORE) is None:
            device.commit(30)
    except Refused as refused:
        assert refused.fault.exit_code in (3, 6)
        return refused.name
    return ""


def parts(store: Path) -> list[str]:
    return [p.name for p in store.rglob("part-*")]


def test_keys_are_listed_enrolled_and_revoked_by_the_command(local: Local, desk: Desk) -> None:
    on = ("--board", "local")
    assert "every file" in desk.edgeq("key", "list", *on).out
    assert desk.edgeq("key", "enroll", "release.pub", *on).code == 0
    assert (alone := desk.edgeq("key", "enroll", "other.pub", *on)).code == 6 and "--by" in alone.err
    assert (own := desk.edgeq("key", "enroll", "other.pub", *on, "--by", "other.key")).code == 6 and "is none of" in own.err
    assert desk.edgeq("key", "enroll", "other.pub", *on, "--by", "release.key", "--name", "next").code == 0
    found = desk.edgeq("key", "list", *on, "--json").json["keys"]
    assert [(k["place"], k["name"], k["id"]) for k in found] == [
        (1, "release", desk.public().id),
        (2, "next", desk.public("other").id),
    ]
    again = desk.edgeq("key", "enroll", "release.pub", *on, "--json").json
    assert (again["changed"], again["left"]) == (False, 2)
    assert desk.edgeq("key", "revoke", "absent", *on, "--by", "other.key").code == 2
    text = (desk.folder / "other.key").read_text()
    assert desk.edgeq("key", "revoke", desk.public().id[:8], *on, "--by-env", "KEY", KEY=text).code == 0
    assert desk.edgeq("key", "revoke", "next", *on).code == 6
    last = desk.edgeq("key", "revoke", "next", *on, "--by", "other.key")
    assert last.code == 0 and "every file" in last.err
    assert enrolled(local.target) == ()


def test_a_third_key_finds_no_place(locked: Local, desk: Desk) -> None:
    enroll(locked.target, desk.public("other"), desk.private())
    third = keys.create(desk.folder / "third.key", "third")
    with pytest.raises(UsageError, match="no free place"):
        enroll(locked.target, third, desk.private())


def test_a_proof_cannot_be_played_again(locked: Local, desk: Desk) -> None:
    """What was seen on the line of an earlier change, in the same session and in another."""
    other, by = desk.public("other"), desk.private()
    with connect(locked.target) as device:
        nonce = device.link.call("challenge", "nonce")["nonce"]
        proof = by.sign(b"EQKEYPRF" + (1).to_bytes(4, "little") + nonce + other.raw + other.name.encode().ljust(32, b"\0"))
        message = {"public_key": other.raw, "name": other.name, "signature": proof}
        device.link.call("enroll", "done", **message)
    revoke(locked.target, "other", by)
    with connect(locked.target) as device:
        for ask in (False, True):
            if ask:
                assert device.link.call("challenge", "nonce")["nonce"] != nonce
            with pytest.raises(Refused, match="proof"):
                device.link.call("enroll", "done", **message)
    assert [e.key.name for e in enrolled(locked.target)] == ["release"]


def test_a_challenge_is_for_one_try_in_its_own_session(locked: Local, desk: Desk) -> None:
    other, by = desk.public("other"), desk.private()

    def message(nonce: bytes, wrong: bool = False) -> dict[str, object]:
        text = b"EQKEYPRF" + (1).to_bytes(4, "little") + nonce + other.raw + other.name.encode().ljust(32, b"\0")
        return {"public_key": other.raw, "name": other.name, "signature": by.sign(text + b"x" * wrong)}

    with connect(locked.target) as device:
        nonce = device.link.call("challenge", "nonce")["nonce"]
        for wrong in (True, False):  # the right one comes too late
            with pytest.raises(Refused, match="proof"):
                device.link.call("enroll", "done", **message(nonce, wrong))
        nonce = device.link.call("challenge", "nonce")["nonce"]
        device.link._in.clear()
        device.link._connect()
        with pytest.raises(Refused, match="proof"):
            device.link.call("enroll", "done", **message(nonce))


def test_no_secret_reaches_the_agent_or_its_environment(local: Local, desk: Desk, tmp_path: Path) -> None:
    """The key by --by-env, and an agent that writes down what it was started with."""
    seen = tmp_path / "seen"
    agent = tmp_path / "agent"
    real = os.environ["EDGEQ_AGENT"]
    agent.write_text(f'#!/bin/sh\nenv > "{seen}"\ntr "\\0" " " < /proc/$$/cmdline >> "{seen}"\nexec "{real}" "$@"\n')
    agent.chmod(0o755)
    assert desk.edgeq("key", "enroll", "release.pub", "-b", "local").code == 0
    text, word = (desk.folder / "release.key").read_text(), "correct horse"
    words = ("key", "enroll", "other.pub", "-b", "local", "--by-env", "RELEASE_KEY")
    found = desk.edgeq(*words, "--json", EDGEQ_AGENT=str(agent), RELEASE_KEY=text, WORD=word)
    assert found.code == 0, found.err
    secret = text.splitlines()[1]
    assert "PATH=" in seen.read_text() and secret not in seen.read_text() + found.out + found.err and "RELEASE_KEY" not in seen.read_text()


def test_a_locked_device_takes_signed_files_and_remembers_the_counter(locked: Local, desk: Desk) -> None:
    assert d.deploy(locked.target, locked.file("kws", signed(desk, 3))).version == 1
    assert d.status(locked.target).models[0].counter == 3
    with connect(locked.target) as device:
        known = trust.ask(device, "kws")
    assert (known.counter, known.sha256) == (3, hashlib.sha256(signed(desk, 3)).hexdigest())


def test_what_is_refused_is_said_before_it_is_sent_and_by_the_device_itself(locked: Local, desk: Desk) -> None:
    d.deploy(locked.target, locked.file("kws", signed(desk, 3)))
    cases = {
        "not_signed": packed(2),
        "unknown_key": signed(desk, 4, 2, "other"),
        "older": signed(desk, 2, 2),
    }
    before = (locked.store / "kws" / "state").read_bytes()
    for fault, data in cases.items():
        with pytest.raises(SignatureError) as error:
            d.deploy(locked.target, locked.file("kws", data))
        assert error.value.code == 6 and error.value.hint and "BOARD" not in error.value.hint
        with connect(locked.target) as device:
            assert sent(device, "kws", data) == fault
        assert parts(locked.store) == [], "a refused upload leaves nothing"
    with connect(locked.target) as device:
        assert sent(device, "kws", signed(desk, 3, 2)) == "older", "the same counter, another file"
        assert sent(device, "kws", signed(desk, 3)) == ""
    noted = [entry.fault for entry in log(locked.target).entries if entry.event == "install_failed"]
    assert noted == [*cases, "older"], "the device's own log has what was refused there"
    assert (locked.store / "kws" / "state").read_bytes() == before


def test_the_name_and_not_the_file_has_the_counter(locked: Local, desk: Desk) -> None:
    d.deploy(locked.target, locked.file("kws", signed(desk, 9)))
    assert d.deploy(locked.target, locked.file("vww", signed(desk, 1, 2))).version == 1


def test_a_rollback_goes_back_to_what_the_device_has_accepted_and_the_counter_stays(locked: Local, desk: Desk) -> None:
    old, new = signed(desk, 3), signed(desk, 4, 2)
    for data in (old, new):
        d.deploy(locked.target, locked.file("kws", data))
    assert d.rollback(locked.target, "kws").version == 1
    assert d.status(locked.target).models[0].counter == 4
    with connect(locked.target) as device:
        assert sent(device, "kws", signed(desk, 3, 3)) == "older"
    assert d.deploy(locked.target, locked.file("kws", old)).changed is False, "it is current"
    assert d.deploy(locked.target, locked.file("kws", new)).changed


def test_what_was_installed_before_the_first_key_stays_and_can_be_gone_back_to(local: Local, desk: Desk) -> None:
    d.deploy(local.target, local.file("kws", packed(1)))
    enroll(local.target, desk.public(), None)
    assert d.deploy(local.target, local.file("kws", packed(1))).changed is False
    d.deploy(local.target, local.file("kws", signed(desk, 1, 2)))
    assert d.rollback(local.target, "kws").version == 1
    assert d.status(local.target).models[0].counter == 1


def test_a_file_that_fails_its_health_check_leaves_the_counter(locked: Local, desk: Desk) -> None:
    d.deploy(locked.target, locked.file("kws", signed(desk, 3)))
    broken = signing.sign(packed(2, break_output=True), "m", desk.private(), 9)
    with connect(locked.target) as device:
        device.put("kws", broken, STORE)
        with pytest.raises(Refused, match="other outputs"):
            device.commit(30)
    assert d.status(locked.target).models[0].counter == 3
    assert d.deploy(locked.target, locked.file("kws", signed(desk, 4, 3))).version == 2


def test_a_damaged_record_and_its_removal_do_not_open_the_name_to_older_files(locked: Local, desk: Desk) -> None:
    """The removal is what the error of a damaged record asks for."""
    newest = signed(desk, 3)
    d.deploy(locked.target, locked.file("kws", newest))
    (locked.store / "kws" / "state").write_bytes(b"damaged")
    with pytest.raises(BoardError, match="record") as refused:
        d.deploy(locked.target, locked.file("kws", signed(desk, 2, 2)))
    assert "edgeq remove kws" in refused.value.hint
    d.remove(locked.target, "kws")
    with pytest.raises(SignatureError, match="its counter is 2, that of the newest was 3"):
        d.deploy(locked.target, locked.file("kws", signed(desk, 2, 2)))
    with connect(locked.target) as device:
        assert sent(device, "kws", signed(desk, 2, 2)) == "older"
        assert sent(device, "kws", signed(desk, 3, 2)) == "older", "the same counter, another file"
    assert d.deploy(locked.target, locked.file("kws", newest)).version == 2, "numbers go on"


def test_a_counter_that_is_lost_twice_is_code_6_and_says_what_to_do_on_the_device(locked: Local, desk: Desk) -> None:
    d.deploy(locked.target, locked.file("kws", signed(desk, 3)))
    for name in ("state", "counter"):
        (locked.store / "kws" / name).write_bytes(b"damaged")
    with pytest.raises(SignatureError, match="counter") as refused:
        d.remove(locked.target, "kws")
    assert "remove the file kws/counter" in refused.value.hint
    (locked.store / "kws" / "state").unlink()
    with pytest.raises(SignatureError, match="counter") as refused:
        d.deploy(locked.target, locked.file("kws", signed(desk, 4)))
    assert "remove the file kws/counter" in refused.value.hint
    assert "counter" in d.status(locked.target).models[0].damaged
    (locked.store / "kws" / "counter").unlink()
    assert d.deploy(locked.target, locked.file("kws", signed(desk, 4))).version == 1


def test_a_removal_does_not_open_the_name_to_older_files(locked: Local, desk: Desk) -> None:
    d.deploy(locked.target, locked.file("kws", signed(desk, 5)))
    d.remove(locked.target, "kws")
    assert d.status(locked.target).models == ()
    with connect(locked.target) as device:
        assert sent(device, "kws", signed(desk, 4, 2)) == "older"
    with pytest.raises(SignatureError, match="counter is 4, that of the newest was 5"):
        d.deploy(locked.target, locked.file("kws", signed(desk, 4, 2)))
    assert d.deploy(locked.target, locked.file("kws", signed(desk, 5))).changed


def test_an_unsigned_file_is_not_run_in_the_memory_of_a_locked_device(locked: Local, desk: Desk) -> None:
    with connect(locked.target) as device:
        with pytest.raises(Refused, match="not signed"):
            device.put("", packed(1), MEMORY)
        with pytest.raises(Refused):
            device.open()
        device.put("", signed(desk, 1), MEMORY)
        assert device.open().variant == "int8"
    with pytest.raises(SignatureError, match="not signed"):
        profile(locked.target, "kws", packed(1), runs=1, warmup=0)


def test_endless_data_ends_at_the_announced_length(locked: Local, desk: Desk) -> None:
    data = signed(desk, 1)
    with connect(locked.target) as device:
        device.link.call("put", "ready", target=STORE, size=len(data), sha256=hashlib.sha256(data).digest(), name="kws")
        device.link.send("data", offset=0, bytes=data)
        with pytest.raises(Refused, match="longer"):
            for _ in range(10):
                device.link.send("data", offset=len(data), bytes=b"x" * 1000)
                device.link.call("end", "done")
    assert sum(p.stat().st_size for p in locked.store.rglob("part-*")) <= len(data)


def test_a_damaged_file_of_keys_is_code_6_with_what_to_do(locked: Local, desk: Desk) -> None:
    (locked.store / ".keys").write_bytes(b"damaged")
    with pytest.raises(SignatureError, match="damaged") as error:
        d.deploy(locked.target, locked.file("kws", signed(desk, 1)))
    assert ".keys" in error.value.hint
    assert locked.agent("install", str(locked.folder / "kws.eqm")).returncode == 6

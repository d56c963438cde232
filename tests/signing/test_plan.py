"""What plan says of a device with keys: the whole plan, and that the deploy would end with code 6."""

from __future__ import annotations

import hashlib

import pytest

from edgeq_host import deploy as d
from edgeq_host import signing
from edgeq_host.errors import SignatureError
from edgeq_host.plan import plan
from edgeq_host.preflight import preflight
from tests.agent.conftest import Local, built_agent, local, packed
from tests.signing.conftest import Desk
from tests.signing.test_enrolment import locked, signed

__all__ = ["built_agent", "local", "locked"]  # fixtures


def test_a_plan_predicts_what_a_locked_device_refuses(locked: Local, desk: Desk) -> None:
    d.deploy(locked.target, locked.file("kws", signed(desk, 5)))
    good = plan(locked.target, locked.file("kws", signed(desk, 6, 2)))
    assert not [risk for risk in good.risks if risk.code]
    old = plan(locked.target, locked.file("kws", signed(desk, 4, 2)))
    assert [(risk.what, risk.code) for risk in old.risks] == [("signature", 6)]
    unsigned = plan(locked.target, locked.file("kws", packed(2)))
    assert [(risk.what, risk.code) for risk in unsigned.risks] == [("signature", 6)]
    assert "not signed" in unsigned.risks[0].text and "its keys are release" in unsigned.risks[0].text
    assert (unsigned.layers, unsigned.arena_bytes, unsigned.memory.free_after) == ((), None, None)
    assert unsigned.installed is not None and unsigned.send_bytes == unsigned.bytes == len(packed(2)) and unsigned.changes


def test_the_command_prints_the_whole_plan_of_a_file_that_is_refused(locked: Local, desk: Desk) -> None:
    for words in ((), ("--json",)):
        found = desk.edgeq("plan", locked.file("kws", packed(2)), "-b", "local", *words)
        assert found.code == 0 and found.err == "", found.err
        if words:
            assert found.json["arena_bytes"] is None and [r["code"] for r in found.json["risks"]] == [6]
        else:
            assert "fails: signature: the file is not signed" in found.out and "(exit 6)" in found.out
            assert "would: installs kws" in found.out and "the model was not opened" in found.out


def test_a_plan_predicts_a_damaged_file_of_keys_also_where_the_file_is_current(locked: Local, desk: Desk) -> None:
    files = [locked.file("kws", signed(desk, 5)), locked.file("new", signed(desk, 6, 2))]
    d.deploy(locked.target, files[0])
    (locked.store / ".keys").write_bytes(b"damaged")
    for file in files:
        found = plan(locked.target, file, "kws")
        assert [(risk.what, risk.code) for risk in found.risks] == [("signature", 6)] and ".keys" in found.risks[0].remedy
        with pytest.raises(SignatureError, match="damaged"):
            d.deploy(locked.target, file, "kws")


def test_a_deploy_to_several_predicts_it_too(locked: Local, desk: Desk) -> None:
    data = packed(2)
    with pytest.raises(SignatureError):
        preflight(locked.target, "kws", len(data), hashlib.sha256(data).hexdigest(), signing.seal(data))
    data = signed(desk, 1)
    assert preflight(locked.target, "kws", len(data), hashlib.sha256(data).hexdigest(), signing.seal(data)) == ()

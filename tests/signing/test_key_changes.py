"""Changes of a device's keys: what needs no proof, and what the log says of them."""

from __future__ import annotations

import pytest

from edgeq_host import keys
from edgeq_host.deploy import connect
from edgeq_host.enroll import enroll, revoke
from edgeq_host.errors import UsageError
from edgeq_host.faults import Refused
from edgeq_host.log import log
from tests.agent.conftest import Local, built_agent, local
from tests.signing.conftest import Desk

__all__ = ["built_agent", "local"]  # fixtures


def test_to_enroll_what_is_enrolled_needs_no_proof_and_changes_nothing(local: Local, desk: Desk) -> None:
    enroll(local.target, desk.public(), None)
    before = (local.store / ".keys").read_bytes()
    with connect(local.target) as device:
        device.link.call("enroll", "done", public_key=desk.public().raw, name="another", signature=b"")
    assert (local.store / ".keys").read_bytes() == before


def test_every_change_of_the_keys_and_every_refused_one_is_in_the_log(local: Local, desk: Desk) -> None:
    release, other = desk.public(), desk.public("other")
    enroll(local.target, release, None)
    enroll(local.target, release, None)
    with connect(local.target) as device, pytest.raises(Refused, match="proof"):
        device.link.call("enroll", "done", public_key=other.raw, name="other", signature=b"")
    enroll(local.target, other, desk.private())
    with pytest.raises(UsageError, match="no free place"):
        enroll(local.target, keys.create(desk.folder / "third.key", "third"), desk.private())
    with connect(local.target) as device, pytest.raises(Refused, match="proof"):
        device.link.call("revoke", "done", public_key=release.raw, signature=b"")
    revoke(local.target, "release", desk.private("other"))
    entries = log(local.target).entries
    assert [(e.event, e.name, e.version, e.fault) for e in entries] == [
        ("key_enrolled", "release", 0, ""),
        ("key_failed", "other", 0, "proof"),
        ("key_enrolled", "other", 0, ""),
        ("key_failed", "third", 0, "keys_full"),
        ("key_failed", "release", 0, "proof"),
        ("key_revoked", "release", 0, ""),
    ]
    assert entries[0].sha256.startswith(release.id) and entries[5].sha256 == entries[0].sha256
    assert local.agent("log", "other").stdout.split("\t")[4] == "change of keys failed"

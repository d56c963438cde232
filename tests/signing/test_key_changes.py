"""Changes of a device's keys: what needs no proof."""

from __future__ import annotations

from edgeq_host.deploy import connect
from edgeq_host.enroll import enroll
from tests.agent.conftest import Local, built_agent, local
from tests.signing.conftest import Desk

__all__ = ["built_agent", "local"]  # fixtures


def test_to_enroll_what_is_enrolled_needs_no_proof_and_changes_nothing(local: Local, desk: Desk) -> None:
    enroll(local.target, desk.public(), None)
    before = (local.store / ".keys").read_bytes()
    with connect(local.target) as device:
        device.link.call("enroll", "done", public_key=desk.public().raw, name="another", signature=b"")
    assert (local.store / ".keys").read_bytes() == before

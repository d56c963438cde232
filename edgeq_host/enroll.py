"""Change the keys of a device: the first is enrolled by whoever reaches it, every later change is proved by one of them (SPEC.md 5.7)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edgeq_host import trust
from edgeq_host.deploy import connect, refusals
from edgeq_host.device import Device
from edgeq_host.errors import UsageError
from edgeq_host.keys import PrivateKey, PublicKey, check_name
from edgeq_host.targets import Target
from edgeq_host.trust import Enrolled, Trust

_ENROLL, _REVOKE = 1, 2
_PROOF = struct.Struct("<8sI32s32s32s")  # magic, operation, nonce, key, its name
_SHORT = 4  # characters of an id that name a key at least


@dataclass(frozen=True)
class KeyChange:
    """schema edgeq.key-change/1. changed: False where the key was enrolled already. left: keys that are enrolled now."""

    board: str
    name: str
    id: str
    changed: bool
    left: int


def enrolled(target: Target) -> tuple[Enrolled, ...]:
    """The keys of a device."""
    with refusals(f"the keys of {target.name}", "", target.name), connect(target) as device:
        return trust.ask(_new_enough(device)).keys


def enroll(target: Target, public: PublicKey, by: PrivateKey | None) -> KeyChange:
    """Let the device take files that `public` has signed. by: one of its keys; needed where it has one."""
    check_name(public.name)
    with refusals(f"key {public.name} on {target.name}", "", target.name), connect(target) as device:
        now = trust.ask(_new_enough(device))
        if any(e.key.raw == public.raw for e in now.keys):
            return KeyChange(target.name, public.name, public.id, False, len(now.keys))
        signature = _proof(device, now, by, _ENROLL, public)
        device.link.call("enroll", "done", public_key=public.raw, name=public.name, signature=signature)
    return KeyChange(target.name, public.name, public.id, True, len(now.keys) + 1)


def revoke(target: Target, which: str, by: PrivateKey | None) -> KeyChange:
    """Take a key from the device. which: its id, the beginning of it, or its name. Without the last one it takes every file again."""
    with refusals(f"a key of {target.name}", "", target.name), connect(target) as device:
        now = trust.ask(_new_enough(device))
        key = _find(now, which, target)
        signature = _proof(device, now, by, _REVOKE, PublicKey(key.raw, ""))
        device.link.call("revoke", "done", public_key=key.raw, signature=signature)
    return KeyChange(target.name, key.name, key.id, True, len(now.keys) - 1)


def _new_enough(device: Device) -> Device:
    device.need_1_4(True, "enrolled keys")
    return device


def _find(now: Trust, which: str, target: Target) -> PublicKey:
    wanted = which.lower()
    found = [e.key for e in now.keys if which == e.key.name or (len(wanted) >= _SHORT and e.key.id.startswith(wanted))]
    if len(found) != 1:
        says = "several keys" if found else "no key"
        raise UsageError(f"{target.name} has {says} of that name or id; it has {now.names}", "give the id of one of them")
    return found[0]


def _proof(device: Device, now: Trust, by: PrivateKey | None, operation: int, key: PublicKey) -> bytes:
    """A signature over what is to be done and a number that the device has just made up; empty for the first key."""
    if not now.keys:
        return b""
    by = trust.one_of(now, by, device.what, "agree", "--by")
    nonce = device.link.call("challenge", "nonce")["nonce"]
    return by.sign(_PROOF.pack(b"EQKEYPRF", operation, nonce, key.raw, key.name.encode()))

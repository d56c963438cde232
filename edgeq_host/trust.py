"""Which files a device takes: the keys that are enrolled there, and the counter of a name (SPEC.md 5.7). What it would refuse is told
here before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq_host.device import Device
from edgeq_host.errors import SignatureError
from edgeq_host.faults import Refused, hint_of, text_of
from edgeq_host.keys import PrivateKey, PublicKey
from edgeq_host.signing import Seal


@dataclass(frozen=True)
class Enrolled:
    """A key and its place on the device, 1 or 2."""

    place: int
    key: PublicKey


@dataclass(frozen=True)
class Trust:
    """keys: without any every file is taken. counter, sha256: of the newest signed file ever installed under the name; 0: none was."""

    keys: tuple[Enrolled, ...] = ()
    counter: int = 0
    sha256: str = ""

    @property
    def names(self) -> str:
        return " and ".join(f"{e.key.name} ({e.key.id})" for e in self.keys) or "none"


def ask(device: Device, name: str = "") -> Trust:
    """What the device says. An agent before 1.4 has no keys, nor has firmware that was built without signatures; the counter of a damaged
    record is not known here, and as good as none: it is the device that goes by the second place where it keeps it."""
    if device.link.minor < 4:
        return Trust()
    keys: list[Enrolled] = []
    counter, sha256 = 0, ""
    try:
        for reply in device.link.stream("keys", "key", "committed", name=name):
            if reply.name == "key":
                keys.append(Enrolled(int(reply["place"]), PublicKey(reply["public_key"], reply["name"])))
            else:
                counter, sha256 = int(reply["counter"]), reply["sha256"].hex()
    except Refused as refused:
        if refused.name not in ("record", "counter", "unknown_command"):
            raise
    return Trust(tuple(keys), counter, sha256)


@dataclass(frozen=True)
class Refusal:
    """Why a device will not take a file: the fault that it would answer, the text with what was found, and what to do."""

    fault: str
    text: str
    hint: str

    @property
    def may_run(self) -> bool:
        """Not to be installed, but to be tried in the device's memory."""
        return self.fault == "older"

    @property
    def always(self) -> bool:
        """Also where this very file is current."""
        return self.fault == "keys_file"


def refusal(trust: Trust, seal: Seal, sha256: str, name: str, board: str) -> Refusal | None:
    """None where the device takes the file, whose SHA-256 is `sha256`, under `name`. The same rules as csrc/agent/trust.c."""
    if not trust.keys:
        return None
    claim = seal.claim
    key = next((e.key for e in trust.keys if claim is not None and e.key.id == claim.id), None)
    if claim is None:
        fault, found = "not_signed", f"its keys are {trust.names}"
    elif key is None:
        fault, found = "unknown_key", f"its keys are {trust.names}, the file's is {claim.id}"
    elif not key.verifies(seal.signature, seal.message):
        fault, found = "bad_signature", f"it names the key {key.name} ({key.id})"
    elif claim.counter < trust.counter or (claim.counter == trust.counter and sha256 != trust.sha256):
        fault, found = "older", f"its counter is {claim.counter}, that of the newest was {trust.counter}"
    else:
        return None
    return Refusal(fault, f"{text_of(fault)}; {found}", hint_of(fault, name, board))


def require(device: Device, name: str, seal: Seal, sha256: str, what: str) -> None:
    """SignatureError where the device would refuse the file under that name. What is current there already is not sent, so it passes."""
    refused = refusal(ask(device, name), seal, sha256, name, device.what)
    if refused is not None and not device.has(name, sha256):
        raise SignatureError(f"{what}: {refused.text}", refused.hint)


def one_of(trust: Trust, key: PrivateKey | None, device: str, to: str, option: str) -> PrivateKey:
    """The key, which has to be one of the device's: `to` do what, given with which option. SignatureError where it is not."""
    hint = f"give the private key of one of them with {option} (or {option}-fd, {option}-env)"
    if key is None:
        raise SignatureError(f"{device} has keys, and one of them has to {to}: {trust.names}", hint)
    own = key.public("")
    if all(e.key.raw != own.raw for e in trust.keys):
        raise SignatureError(f"the key {own.id} is none of {device}; it has {trust.names}", hint)
    return key

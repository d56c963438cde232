"""Whether a deploy would go well, asked of a device without sending it the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from edgeq_host import risks, trust
from edgeq_host.deploy import connect, refusals
from edgeq_host.device import Device
from edgeq_host.errors import BoardError, EdgeqError, SignatureError
from edgeq_host.faults import Refused, hint_of
from edgeq_host.link import QUIET_S
from edgeq_host.probe import asked
from edgeq_host.risks import Case, Risk
from edgeq_host.signing import Seal
from edgeq_host.targets import Target
from edgeq_host.trust import Refusal, Trust

_T = TypeVar("_T")
Risks = tuple[Risk, ...]


def preflight(target: Target, name: str, size: int, sha256: str, seal: Seal, quiet_s: float = QUIET_S) -> Risks:
    """What may go wrong all the same. EdgeqError, with the exit code of the deploy, where it would be refused."""
    with refusals(f"plan on {target.name}", name, target.name), connect(target, quiet_s) as device:
        case = look(device, target, name, size, sha256, seal)
    found = risks.of(case)
    risk = risks.refusal(found)
    if risk is not None:
        raise _error(target, risk)
    return tuple(found)


def look(device: Device, target: Target, name: str, size: int, sha256: str, seal: Seal) -> Case:
    """What is known without sending the file."""
    facts = device.facts()
    models = device.installed()
    model = next((model for model in models if model.name == name), None)
    probe = asked(device)
    seen = _or_none(lambda: device.seek(name, size, sha256), "unknown_command", "record", "counter")
    current, offset = seen or (False, 0)
    known, refused = _trust(device, target, name, sha256, seal)
    counted = bool(known.keys) and seal.claim is not None
    send = size if current else size - offset  # current, but damaged: all of it
    rubbish = max(0, sum(other.unfinished for other in models) - (0 if current else offset))
    return Case(facts, target.board, probe, size, sha256, model, send, rubbish, refused, counted, device.brought, target.name)


def _trust(device: Device, target: Target, name: str, sha256: str, seal: Seal) -> tuple[Trust, Refusal | None]:
    """The device's keys, and why it will not take the file."""
    try:
        known = trust.ask(device, name)
    except Refused as refused:
        if refused.name != "keys_file":
            raise
        return Trust(), Refusal(refused.name, refused.text, hint_of(refused.name, name, target.name))
    return known, trust.refusal(known, seal, sha256, name, target.name)


def _or_none(ask: Callable[[], _T], *names: str) -> _T | None:
    """None where the device refuses with one of these faults: an agent before 1.4, or a record that is said elsewhere."""
    try:
        return ask()
    except Refused as refused:
        if refused.name in names:
            return None
        raise


def _error(target: Target, refused: Risk) -> EdgeqError:
    kind = SignatureError if refused.code == SignatureError.code else BoardError
    error = kind(f"{target.name}: {refused.what}: {refused.text}", refused.remedy)
    error.code = refused.code
    return error

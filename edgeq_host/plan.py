"""What a deploy would do and take on a board, found out there without touching its store."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edgeq_host import costs, rates, risks
from edgeq_host import estimate as estimates
from edgeq_host.boards import Evidence
from edgeq_host.costs import Cost, There
from edgeq_host.deploy import board_name, connect, refusals
from edgeq_host.device import MEMORY, Device, Facts, Opened
from edgeq_host.estimate import Estimate
from edgeq_host.export import check_file, read_file, unpack
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.faults import Refused
from edgeq_host.identify import identify
from edgeq_host.inspect import text
from edgeq_host.installed import Installed, Version
from edgeq_host.layer import Layer
from edgeq_host.link import QUIET_S
from edgeq_host.preflight import look
from edgeq_host.probe import Probe
from edgeq_host.risks import Case, Risk
from edgeq_host.signing import seal
from edgeq_host.sizes import Sizes, sizes
from edgeq_host.targets import Target
from edgeq_host.units import counted

_NOT_OPENED = "not estimated: the device opens no file with this signature"


@dataclass(frozen=True)
class Room:
    """Bytes that are free now, and would be then."""

    free: int
    free_after: int


@dataclass(frozen=True)
class Memory:
    """Bytes that are free now, and while the largest variant is open: None where the device does not open the file."""

    free: int
    free_after: int | None


@dataclass(frozen=True)
class LayerPlan(Layer):
    """cost: what is expected where it runs portable."""

    cost: Cost | None = None


@dataclass(frozen=True)
class Plan:
    """schema edgeq.plan/1. kind, note, evidence: of the board that it is, as somebody has said or the device says itself; empty and None
    where neither does. bytes: of the file; agent_bytes: of the agent where it is not there yet; send_bytes: all that deploy would send.
    device, probe, installed: what is there; an agent that was not there lies at `probe.agent` for the plan alone. store, memory: before
    and after. arena_bytes, variants, layers: as the device opens the file; None and empty where it takes no file with this signature.
    risks: what would go wrong; changes: what deploy would do. estimate_note: why there is no estimate.
    """

    board: str
    kind: str
    note: str
    evidence: Evidence | None
    name: str
    sha256: str
    bytes: int
    agent_bytes: int
    send_bytes: int
    arena_bytes: int | None
    store: Room
    memory: Memory
    isas: tuple[str, ...]
    device: Facts
    probe: Probe | None
    installed: Installed | None
    variants: tuple[Sizes, ...]
    layers: tuple[LayerPlan, ...]
    estimate: Estimate | None
    estimate_note: str
    risks: tuple[Risk, ...]
    changes: tuple[str, ...]


def plan(target: Target, file: Path, name: str | None = None, quiet_s: float = QUIET_S, keep: int = 0) -> Plan:
    """BoardError where the device cannot open the file; what would only fail later, or may go wrong, is in `risks`.
    keep: as deploy has it."""
    data = read_file(file)
    check_file(data, str(file))
    name = board_name(file, name)
    digest = hashlib.sha256(data).hexdigest()
    with refusals(f"{file} on {target.name}", name, target.name), connect(target.passing(), quiet_s) as device:
        case = look(device, target, name, len(data), digest, seal(data))
        installed = _looked_into(device, case.model) if case.model is not None else None
        model = unpack(data, str(file))
        opened, layers = _open_all(device, replace(case, model=installed), data, [text(v.name) for v in model.variants])
    case = replace(case, model=installed, opened=opened, layers=layers)
    kind = target.board or (identify(case.probe) if case.probe is not None else None)
    send = 0 if case.unchanged else case.send
    kept = _freed(case, keep) - send - case.agent_in_store
    estimate, note = estimates.of(target, case.facts, model, layers) if opened else (None, _NOT_OPENED)
    need = max((o.arena_bytes + o.model_bytes for o in opened), default=None)
    return Plan(
        board=target.name,
        kind=kind.id if kind is not None else "",
        note=kind.note if kind is not None else "",
        evidence=kind.evidence if kind is not None else None,
        name=name,
        sha256=digest,
        bytes=len(data),
        arena_bytes=opened[0].arena_bytes if opened else None,
        agent_bytes=case.agent,
        send_bytes=case.agent + send,
        store=Room(case.facts.store_free, case.facts.store_free + kept),
        memory=Memory(case.facts.memory_free, case.facts.memory_free - need if need is not None else None),
        isas=case.facts.isa_names,
        device=case.facts,
        probe=case.probe,
        installed=installed,
        variants=tuple(Sizes(**sizes(o.variant, o)) for o in opened),
        layers=_with_costs(target, case.facts, layers, model),
        estimate=estimate,
        estimate_note=note,
        risks=tuple(risks.of(case)),
        changes=(*_agent_change(case), *_changes(case, name, keep)),
    )


def _with_costs(target: Target, facts: Facts, layers: list[Layer], model: eqm.ModelT) -> tuple[LayerPlan, ...]:
    if not layers:
        return ()
    there = There(facts.machine, facts.isa_names, rates.of(target, facts))
    found = costs.of(there, layers, model, model.variants[0])
    return tuple(LayerPlan(**asdict(layer), cost=cost) for layer, cost in zip(layers, found, strict=True))


def _open_all(device: Device, case: Case, data: bytes, variants: list[str]) -> tuple[list[Opened], list[Layer]]:
    """Every variant, and the layers of the first; none where the device opens no file with this signature. A file that it has already is
    not sent to it once more."""
    stored = case.model.name if case.unchanged and case.model is not None else ""
    if not stored and case.refused is not None and not case.refused.may_run:
        return [], []
    if not stored:
        device.put("", data, MEMORY)
    opened: list[Opened] = []
    layers: list[Layer] = []
    for variant in variants:
        opened.append(device.open(stored, variant=variant))
        layers = layers or device.layers()
    return opened, layers


def _looked_into(device: Device, model: Installed) -> Installed:
    """With the damage that only reading the files shows; `list` looks at their sizes."""

    def version(v: Version) -> Version:
        if v.damaged:
            return v
        try:
            device.open(model.name, v.version)
        except Refused as refused:
            if refused.name == "corrupt":
                return replace(v, damaged="its file is damaged")
        return v

    versions = tuple(map(version, model.versions))
    current, previous = (*versions, None, None)[:2]
    return replace(model, current=current, previous=previous, versions=versions)


def _kept(case: Case, installed: Installed, keep: int) -> list[Version]:
    """Of the versions that are there now, those that stay: sound ones of other files, as many as there is room for beside the new one."""
    stay = keep or installed.keep or 2
    if case.unchanged:
        return list(installed.versions[:stay])
    return [v for v in installed.versions if not v.damaged and v.sha256 != case.sha256][: stay - 1]


def _freed(case: Case, keep: int) -> int:
    """Bytes of the versions that go."""
    if case.model is None:
        return 0
    kept = _kept(case, case.model, keep)
    return sum(version.bytes for version in case.model.versions if version not in kept)


def _agent_change(case: Case) -> list[str]:
    return [f"brings the agent, {case.agent} bytes, which stays there"] if case.agent else []


def _changes(case: Case, name: str, keep: int) -> list[str]:
    current = case.model.current if case.model is not None else None
    if case.model is None or current is None:
        return [f"installs {name}, {case.size} bytes"]
    kept = _kept(case, case.model, keep)
    first = f"installs a new version of {name} in place of version {current.version}, {case.size} bytes"
    ends = [_end(version, version in kept) for version in case.model.versions if not case.unchanged or version not in kept]
    if not case.unchanged:
        return [first, *ends]
    return [f"keeps {counted(keep, 'version')} from now on", *ends] if keep not in (0, case.model.keep) else ends


def _end(version: Version, kept: bool) -> str:
    """What becomes of an installed version: a damaged one is not kept for rollback."""
    if kept:
        return f"keeps version {version.version} for rollback"
    return f"removes version {version.version}" + (f": {version.damaged}" if version.damaged else "")

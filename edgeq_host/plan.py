"""What a deploy would do and take on a board, found out there without touching its store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from edgeq_host import rates, risks
from edgeq_host.boards import Evidence
from edgeq_host.deploy import board_name, check_file, connect, refusals
from edgeq_host.device import MEMORY, Device, Facts, Opened
from edgeq_host.export import read_file, unpack
from edgeq_host.faults import Refused
from edgeq_host.inspect import text
from edgeq_host.installed import Installed, Version
from edgeq_host.layer import Layer
from edgeq_host.link import QUIET_S
from edgeq_host.risks import Case, Risk
from edgeq_host.targets import Target


@dataclass(frozen=True)
class VariantPlan:
    """Exact bytes on this board. model_bytes: memory that opening takes, packed weights included; the file is mapped beside it."""

    name: str
    arena_bytes: int
    activation_bytes: int
    scratch_bytes: int
    model_bytes: int
    packed_bytes: int
    macs: int


@dataclass(frozen=True)
class Estimate:
    """Latency of the first variant, from multiply-add rates measured on the board just now. uncounted: layers that have none."""

    latency_us: float
    source: str
    rates: tuple[rates.Rate, ...]
    uncounted: int


@dataclass(frozen=True)
class Plan:
    """schema edgeq.plan/1. bytes: of the file as the device has it. evidence: how we know that the board works.

    risks: what would go wrong; changes: what deploy would do.
    """

    board: str
    evidence: Evidence | None
    name: str
    sha256: str
    bytes: int
    arena_bytes: int
    isas: tuple[str, ...]
    device: Facts
    variants: tuple[VariantPlan, ...]
    layers: tuple[Layer, ...]
    estimate: Estimate
    risks: tuple[Risk, ...]
    changes: tuple[str, ...]


def plan(target: Target, file: Path, name: str | None = None, quiet_s: float = QUIET_S, keep: int = 0) -> Plan:
    """BoardError where the device refuses the file; what would only fail later, or may go wrong, is in `risks`.
    keep: as deploy has it."""
    data = read_file(file)
    check_file(data, str(file))
    name = board_name(file, name)
    with refusals(f"{file} on {target.name}", name, target.name), connect(target, quiet_s) as device:
        facts, models = device.facts(), device.installed()
        installed = next((_looked_into(device, model) for model in models if model.name == name), None)
        device.put("", data, MEMORY)
        opened, layers = _open_all(device, [text(v.name) for v in unpack(data, str(file)).variants])
    digest = hashlib.sha256(data).hexdigest()
    return Plan(
        board=target.name,
        evidence=target.board.evidence if target.board is not None else None,
        name=name,
        sha256=digest,
        bytes=opened[0].file_bytes,
        arena_bytes=opened[0].arena_bytes,
        isas=facts.isa_names,
        device=facts,
        variants=tuple(_variant(o) for o in opened),
        layers=tuple(layers),
        estimate=_estimate(target, layers, quiet_s),
        risks=tuple(risks.of(Case(facts, target.board, len(data), digest, installed, opened, layers))),
        changes=tuple(_changes(name, installed, digest, len(data), keep)),
    )


def _open_all(device: Device, variants: list[str]) -> tuple[list[Opened], list[Layer]]:
    """Every variant, and the layers of the first."""
    opened: list[Opened] = []
    layers: list[Layer] = []
    for variant in variants:
        opened.append(device.open(variant=variant))
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
    return replace(model, current=next(iter(versions), None), versions=versions)


def _variant(o: Opened) -> VariantPlan:
    return VariantPlan(o.variant, o.arena_bytes, o.activation_bytes, o.scratch_bytes, o.model_bytes, o.packed_bytes, o.macs)


def _estimate(target: Target, layers: list[Layer], quiet_s: float) -> Estimate:
    wanted = sorted({op for layer in layers if layer.macs and (op := rates.like(layer.op))})
    measured = {op: rates.measure(target, op, quiet_s) for op in wanted}
    us, uncounted = 0.0, 0
    for layer in layers:
        op = rates.like(layer.op)
        if layer.macs and op in measured:
            us += layer.macs / measured[op].macs_per_s * 1e6
        else:
            uncounted += 1
    return Estimate(us, "modelled", tuple(measured.values()), uncounted)


def _changes(name: str, installed: Installed | None, digest: str, size: int, keep: int) -> list[str]:
    current = installed.current if installed is not None else None
    if installed is None or current is None:
        return [f"installs {name}, {size} bytes"]
    stay = keep or installed.keep or 2
    if current.sha256 == digest and not current.damaged:
        return [_end(version, False) for version in installed.versions[stay:]]
    sound = [version for version in installed.versions if not version.damaged]
    kept = sound[: stay - 1]
    return [
        f"installs a new version of {name} in place of version {current.version}, {size} bytes",
        *(_end(version, version in kept) for version in installed.versions),
    ]


def _end(version: Version, kept: bool) -> str:
    """What becomes of an installed version: a damaged one is not kept for rollback."""
    if kept:
        return f"keeps version {version.version} for rollback"
    return f"removes version {version.version}" + (f": {version.damaged}" if version.damaged else "")

"""A rollback of several devices to one version: of the same file, or of none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeq_host.deploy import status
from edgeq_host.errors import ModelError
from edgeq_host.fleet.work import Limits, each
from edgeq_host.installed import split_version
from edgeq_host.targets import Target

SHOWN = 5  # devices that a message names for each file


def one_file(targets: Sequence[Target], wanted: str, jobs: int) -> str:
    """The SHA-256 of NAME@VERSION, the same on every device that has it; empty where none has. Devices count their versions by themselves,
    so that a number may be another file on each: ModelError then. Who cannot be asked is left to the rollback, which says why."""
    name, version = split_version(wanted)

    def ask(target: Target) -> set[str]:
        models = [model for model in status(target).models if model.name == name]
        return {found.sha256 for model in models for found in model.versions if found.version == version}

    files: dict[str, list[str]] = {}
    for outcome in each(targets, ask, Limits(jobs)):
        for sha256 in outcome.value or ():
            files.setdefault(sha256, []).append(outcome.target.name)
    if len(files) > 1:
        hint = "nothing was changed; name the devices of one file with --board, or deploy the file that all are to have"
        raise ModelError(f"{wanted} is not the same file everywhere: {_shown(files)}", hint)
    return next(iter(files), "")


def _shown(files: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for sha256, devices in sorted(files.items(), key=lambda item: min(item[1])):
        more = f" and {len(devices) - SHOWN} more" if len(devices) > SHOWN else ""
        parts.append(f"{sha256[:16]}.. on {', '.join(sorted(devices)[:SHOWN])}{more}")
    return "SHA-256 " + "; ".join(parts)

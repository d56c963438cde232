"""Whether a deploy would go well, asked of a device without sending it the model."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq_host import risks
from edgeq_host.deploy import connect, refusals
from edgeq_host.errors import BoardError, EdgeqError
from edgeq_host.link import QUIET_S
from edgeq_host.risks import Case, Risk
from edgeq_host.targets import Target


@dataclass(frozen=True)
class Preflight:
    """unchanged: this very file is current there already."""

    board: str
    unchanged: bool
    risks: tuple[Risk, ...]


def preflight(target: Target, name: str, size: int, sha256: str, quiet_s: float = QUIET_S) -> Preflight:
    """EdgeqError, with the exit code of the deploy, where it would be refused."""
    with refusals(f"plan on {target.name}", name, target.name), connect(target, quiet_s) as device:
        facts = device.facts()
        model = next((model for model in device.installed() if model.name == name), None)
    case = Case(facts, target.board, size, sha256, model)
    found = risks.of(case)
    refused = risks.refusal(found)
    if refused is not None:
        raise _error(target, refused)
    return Preflight(target.name, case.unchanged, tuple(found))


def _error(target: Target, refused: Risk) -> EdgeqError:
    error = BoardError(f"{target.name}: {refused.what}: {refused.text}", refused.remedy)
    error.code = refused.code
    return error

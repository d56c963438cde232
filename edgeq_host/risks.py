"""What may go wrong with a deploy, seen before anything is sent: each with what to do, and the exit code that it would end with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from edgeq_host.boards import Board
from edgeq_host.device import Facts, Opened
from edgeq_host.errors import BoardError
from edgeq_host.installed import Installed
from edgeq_host.layer import Layer
from edgeq_host.units import quantity


@dataclass(frozen=True)
class Risk:
    """what: a word for it. code: the exit code that deploy would end with; 0: it may go well all the same."""

    what: str
    text: str
    remedy: str
    code: int = 0


@dataclass(frozen=True)
class Case:
    """A file for a device. model: what is installed under its name. opened, layers: as the device opens it, empty where it was not sent."""

    facts: Facts
    board: Board | None
    size: int
    sha256: str
    model: Installed | None
    opened: Sequence[Opened] = ()
    layers: Sequence[Layer] = ()

    @property
    def unchanged(self) -> bool:
        """Whether this very file is current already: nothing would be sent."""
        current = self.model.current if self.model is not None else None
        return current is not None and current.sha256 == self.sha256 and not current.damaged


def _memory(case: Case) -> Iterator[Risk]:
    need = max((o.arena_bytes + o.model_bytes for o in case.opened), default=0)
    if case.facts.memory_free and need > case.facts.memory_free:
        text = f"{quantity(need, 'B')} are needed to run it, {quantity(case.facts.memory_free, 'B')} are free"
        yield Risk("memory", text, "end other programs there, or use a smaller model", BoardError.code)


def _store(case: Case) -> Iterator[Risk]:
    if not case.unchanged and case.size > case.facts.store_free:
        text = f"the file has {quantity(case.size, 'B')}, {quantity(case.facts.store_free, 'B')} are free in the store"
        yield Risk("disk", text, "free space there; edgeq status shows the models, edgeq remove removes one", BoardError.code)


def _record(case: Case) -> Iterator[Risk]:
    if case.model is not None and case.model.damaged and case.model.current is None:
        remedy = f"edgeq remove {case.model.name}, then deploy"
        yield Risk("record", f"what is installed as {case.model.name} cannot be told: {case.model.damaged}", remedy, BoardError.code)


def _instruction_sets(case: Case) -> Iterator[Risk]:
    chip = case.board.chip if case.board is not None else None
    missing = [name for name in case.facts.isa_names if chip is not None and name not in chip.isas]
    if chip is not None and missing:
        text = f"the agent uses {', '.join(missing)}, which boards/chips/{chip.id}.toml does not list"
        yield Risk("instruction sets", text, "the device may be of another kind: edgeq devices probe shows what it is")


def _float(case: Case) -> Iterator[Risk]:
    islands = [layer.name for layer in case.layers if layer.op.endswith("_f32")]
    if case.board is not None and not case.board.chip.fpu and islands:
        text = f"{len(islands)} layers compute with floats, on a chip without an FPU: {', '.join(islands[:5])}"
        yield Risk("float", text, "expect them to be slow; edgeq diagnose says why they are not int8")


CHECKS: tuple[Callable[[Case], Iterator[Risk]], ...] = (_record, _store, _memory, _instruction_sets, _float)


def of(case: Case) -> list[Risk]:
    return [risk for check in CHECKS for risk in check(case)]


def refusal(risks: Iterable[Risk]) -> Risk | None:
    """The first that a deploy would end with."""
    return next((risk for risk in risks if risk.code), None)

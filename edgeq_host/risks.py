"""What may go wrong with a deploy, seen before anything is sent: each with what to do, and the exit code that it would end with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from edgeq_host import room
from edgeq_host.boards import Board
from edgeq_host.device import Facts, Opened
from edgeq_host.errors import BoardError, SignatureError, UsageError
from edgeq_host.faults import hint_of, text_of
from edgeq_host.identify import identify, itself, mismatches
from edgeq_host.installed import Installed
from edgeq_host.layer import Layer
from edgeq_host.probe import Place, Probe
from edgeq_host.trust import Refusal
from edgeq_host.units import counted, quantity

SKEW_S = 60  # of two clocks, from which on it is said
_NO_FILES = ("proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "devpts", "pstore", "configfs", "bpf", "mqueue")
SLOW_GOVERNORS = ("powersave", "conservative", "userspace")


@dataclass(frozen=True)
class Risk:
    """what: a word for it. code: the exit code that deploy would end with; 0: it may go well all the same."""

    what: str
    text: str
    remedy: str
    code: int = 0


@dataclass(frozen=True)
class Case:
    """A file for a device. board: what somebody has said that it is. probe: what it says itself, None from an agent before 1.4.
    model: what is installed under the file's name. send: bytes that are missing there, where it is not current. rubbish: bytes of other
    unfinished uploads, which make way. counted: its counter would be kept there. agent: bytes of the agent, where it was not there.
    device: its name. opened, layers: as the device opens it, empty where it was not sent."""

    facts: Facts
    board: Board | None
    probe: Probe | None
    size: int
    sha256: str
    model: Installed | None
    send: int
    rubbish: int = 0
    refused: Refusal | None = None  # for its signature
    counted: bool = False
    agent: int = 0
    device: str = ""
    opened: Sequence[Opened] = ()
    layers: Sequence[Layer] = ()

    @property
    def unchanged(self) -> bool:
        """Whether this very file is current already: nothing would be sent."""
        current = self.model.current if self.model is not None else None
        return current is not None and current.sha256 == self.sha256 and not current.damaged

    @property
    def place(self) -> Place | None:
        """Of the store."""
        return self.probe.store if self.probe is not None else None

    @property
    def agent_in_store(self) -> int:
        """Bytes that the agent will take of the store's disk."""
        return room.of_agent(self.agent, self.place, self.probe.home if self.probe is not None else "")


def _memory(case: Case) -> Iterator[Risk]:
    need = max((o.arena_bytes + o.model_bytes for o in case.opened), default=0)
    if case.facts.memory_free and need > case.facts.memory_free:
        text = f"{quantity(need, 'B')} are needed to run it, {quantity(case.facts.memory_free, 'B')} are free"
        yield Risk("memory", text, "end other programs there, or use a smaller model", BoardError.code)


def _store(case: Case) -> Iterator[Risk]:
    if case.unchanged:
        return
    need = room.needed(case.place, case.model, case.size, case.send, case.counted)
    free = case.facts.store_free + case.rubbish - case.agent_in_store
    files = case.place.files if case.place is not None else None
    remedy = "free space there; edgeq status shows the models, edgeq remove removes one"
    if case.place is not None and not case.place.total_bytes:
        return  # a file system that says no size: see _room
    if need.bytes > free:
        text = f"{quantity(need.bytes, 'B')} are needed, {quantity(free, 'B')} are free in the store"
        yield Risk("disk", text, remedy, BoardError.code)
    elif files is not None and not case.rubbish and need.files > files:
        text = f"{need.files} files and folders are made, the file system of the store has room for {files}"
        yield Risk("disk", text, remedy, BoardError.code)


def _record(case: Case) -> Iterator[Risk]:
    if case.model is not None and case.model.damaged and case.model.current is None:
        remedy, code = f"edgeq remove {case.model.name}, then deploy", BoardError.code
        if case.model.damaged == text_of("counter"):
            remedy, code = hint_of("counter", case.model.name), SignatureError.code
        yield Risk("record", f"what is installed as {case.model.name} cannot be told: {case.model.damaged}", remedy, code)


def _signature(case: Case) -> Iterator[Risk]:
    if case.refused is not None and (case.refused.always or not case.unchanged):
        yield Risk("signature", case.refused.text, case.refused.hint, SignatureError.code)


def _writable(case: Case) -> Iterator[Risk]:
    store = case.place
    if store is None or case.unchanged:
        return
    if store.read_only:
        text = f"{store.path} is on a file system that is mounted read-only"
        yield Risk("read-only", text, hint_of("read_only"), BoardError.code)
    elif not store.writable:
        text = f"{store.path} may not be written by {case.probe.user if case.probe else 'the user'}"
        code = UsageError.code if store.missing else BoardError.code  # it could not be made, or not be written
        yield Risk("rights", text, "give the user the right, or choose another store with EDGEQ_STORE there", code)


def _room(case: Case) -> Iterator[Risk]:
    """A file system without a size: one of the kernel's own, such as /proc, or one that does not say it."""
    store = case.place
    if store is None or store.total_bytes or case.unchanged:
        return
    where = f"{store.path} is on a file system of type {store.type or 'unknown'}"
    if store.type in _NO_FILES:
        yield Risk("store", f"{where}, where no store can be made", hint_of("no_store"), UsageError.code)
    else:
        yield Risk("disk", f"{where}, which does not say how much room it has", "make sure that the model fits there")


def _locked(case: Case) -> Iterator[Risk]:
    if case.place is not None and case.place.lock == "held":
        yield Risk("busy", text_of("busy"), hint_of("busy"), BoardError.code)


def other_kind(probe: Probe | None, board: Board | None, device: str) -> Risk | None:
    """Where a device says itself that it is another board than the one that somebody has said it is."""
    own = itself(probe, board) if probe is not None and board is not None else None
    if own is None or board is None:
        return None
    text = f"{device} was said to be a {board.id}, and says itself that it is {own.id}"
    return Risk("kind", text, f"its own word is used; edgeq devices probe {device} --save records it")


def _other_kind(case: Case) -> Iterator[Risk]:
    found = other_kind(case.probe, case.board, case.device)
    if found is not None:
        yield found


def _kind(case: Case) -> Iterator[Risk]:
    board = case.board or (identify(case.probe) if case.probe is not None else None)
    if board is not None and board.link:
        return  # it is its own device: this machine, or an emulator on it
    for text in mismatches(case.probe, board) if case.probe is not None and board is not None else ():
        said = f"not as {board.id if board else ''} has it: {text}"
        yield Risk("board", said, f"edgeq devices probe {case.device} shows what it is; the device's word is used")


def _clock(case: Case) -> Iterator[Risk]:
    skew = case.probe.clock_skew_s if case.probe is not None else None
    if skew is not None and abs(skew) > SKEW_S:
        text = f"the device's clock is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} this machine's"
        yield Risk("clock", text, "nothing of a deploy depends on it, but the times in edgeq log are wrong: set it there")


def _slow(case: Case) -> Iterator[Risk]:
    if case.probe is None:
        return
    governors = sorted({kind.governor for kind in case.probe.cores if kind.governor in SLOW_GOVERNORS})
    if governors:
        yield Risk("clock mode", f"cores run under the governor {', '.join(governors)}", "performance or schedutil are faster")
    now = [word for word in case.probe.throttled or () if "since boot" not in word]
    if now:
        yield Risk("throttled", f"the firmware reports {', '.join(now)}", "check power supply and cooling; times will be longer")
    modes = {mode.id: mode.name for mode in case.probe.power_modes}
    mode = modes.get(case.probe.power_mode) if case.probe.power_mode is not None else None
    if mode is not None and not mode.upper().startswith("MAXN"):
        text = f"it runs in power mode {mode}; it has {', '.join(modes.values())}"
        yield Risk("power mode", text, "nvpmodel -m chooses another; times and energy depend on it")


def _alarms(case: Case) -> Iterator[Risk]:
    for alarm in case.probe.alarms if case.probe is not None else ():
        if alarm.on:
            yield Risk("alarm", f"{alarm.hwmon} reports {alarm.file}", "check the power supply: it may reset in the middle of a deploy")


def _float(case: Case) -> Iterator[Risk]:
    islands = [layer.name for layer in case.layers if layer.op.endswith("_f32")]
    if case.board is not None and not case.board.chip.fpu and islands:
        text = f"{counted(len(islands), 'layer')} of floats, on a chip without an FPU: {', '.join(islands[:5])}"
        yield Risk("float", text, "expect them to be slow; edgeq diagnose says why they are not int8")


_Check = Callable[[Case], Iterator[Risk]]
CHECKS: tuple[_Check, ...] = (
    _record,
    _signature,
    _writable,
    _locked,
    _room,
    _store,
    _memory,
    _other_kind,
    _kind,
    _float,
    _slow,
    _alarms,
    _clock,
)


def of(case: Case) -> list[Risk]:
    return [risk for check in CHECKS for risk in check(case)]


def refusal(risks: Iterable[Risk]) -> Risk | None:
    """The first that a deploy would end with."""
    return next((risk for risk in risks if risk.code), None)

"""What a device says that it is, which board that makes it, and where it differs from the board's file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from edgeq_host.cores import CORES
from edgeq_host.deploy import connect, refusals
from edgeq_host.device import Device
from edgeq_host.errors import LinkError
from edgeq_host.faults import Refused
from edgeq_host.link import QUIET_S
from edgeq_host.targets import Target
from edgeq_host.text import printable

MAX_FACTS, MAX_VALUE = 2000, 4096
_JETPACK = {"R32": "JetPack 4", "R34": "JetPack 5", "R35": "JetPack 5", "R36": "JetPack 6"}
_NO_RAILS = ("NC", "sum of shunt voltages")  # labels of ina3221 that name no rail
_THROTTLED = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}


@dataclass(frozen=True)
class CoreKind:
    """Cores of one kind. name: empty where the device does not say it; clocks 0 and governor empty likewise."""

    count: int
    name: str
    min_hz: int
    max_hz: int
    now_hz: int
    governor: str


@dataclass(frozen=True)
class Place:
    """Where store or agent lie. type, options: of the file system; options are words, the first ro or rw. block: bytes that a file takes
    at least, 0 not known. files: that can still be made, None where that has no limit. missing: folders of the path that are not there.
    lock: of the store; "held" while somebody changes it, "free", "none" where there is no lock yet, empty where that is not known."""

    path: str
    total_bytes: int
    free_bytes: int
    type: str
    options: str
    writable: bool
    block: int = 0
    files: int | None = None
    missing: int = 0
    lock: str = ""

    @property
    def read_only(self) -> bool:
        return self.options.split()[:1] == ["ro"]

    @property
    def in_memory(self) -> bool:
        return self.type in ("tmpfs", "ramfs")


@dataclass(frozen=True)
class Sensor:
    """A sensor of power. rails: its labels."""

    kind: str
    device: str
    rails: tuple[str, ...]


@dataclass(frozen=True)
class Alarm:
    """A file of a hwmon device that says whether something is wrong."""

    hwmon: str
    file: str
    on: bool


@dataclass(frozen=True)
class Zone:
    """A thermal zone; celsius None where it cannot be read, as that of a part that is off."""

    type: str
    celsius: float | None


@dataclass(frozen=True)
class PowerMode:
    id: int
    name: str


@dataclass(frozen=True)
class Probe:
    """Empty, 0 or None: the device does not say. bits: of the user land, which can be 32 on a 64-bit kernel. clock_skew_s: how much
    later the device's clock is than this machine's; throttled: of a Raspberry Pi, now and since boot;
    agent_pss: bytes of memory of the agent, with what it has open; power_mode: the id of the mode."""

    model: str
    compatible: tuple[str, ...]
    machine: str
    kernel: str
    cpu: str
    hwcap: tuple[str, ...]
    features: tuple[str, ...]
    isas: tuple[str, ...]
    cores: tuple[CoreKind, ...]
    memory_bytes: int
    memory_free: int
    store: Place | None
    agent: Place | None
    agent_pss: int
    os: str
    l4t: str
    bits: int
    libc: str
    libc_version: str
    python: str
    python_bits: int
    user: str
    user_id: int | None
    home: str
    home_writable: bool | None
    systemd: bool | None
    systemd_user: bool | None
    linger: bool | None
    clock_skew_s: int | None
    sensors: tuple[Sensor, ...]
    alarms: tuple[Alarm, ...]
    zones: tuple[Zone, ...]
    power_mode: int | None
    power_modes: tuple[PowerMode, ...]
    vcgencmd: str
    throttled: tuple[str, ...] | None
    firmware: str = ""  # the board that a microcontroller's was built for

    @property
    def jetpack(self) -> str:
        """From the release of L4T; empty where it is none or not known."""
        return _JETPACK.get(self.l4t[:3], "")


def _printable(data: bytes) -> str:
    """Bytes from a device as text, cut to MAX_VALUE characters."""
    return printable(data[:MAX_VALUE].decode("utf-8", "backslashreplace"))[:MAX_VALUE]


def _whole(text: str, base: int = 10) -> int | None:
    try:
        value = int(text[:20], base)
    except ValueError:
        return None
    return value if 0 <= value < 1 << 64 else None


class Facts:
    """Facts by key, as they came; every reader of a value takes whatever stands there."""

    def __init__(self, rows: Iterable[tuple[str, bytes]]) -> None:
        self._rows: dict[str, list[bytes]] = {}
        for count, (key, value) in enumerate(rows):
            if count == MAX_FACTS:
                raise LinkError(f"the device says more than {MAX_FACTS} facts of itself", "update edgeq on both sides")
            self._rows.setdefault(key, []).append(value)

    def all(self, key: str) -> tuple[str, ...]:
        return tuple(map(_printable, self._rows.get(key, ())))

    def text(self, key: str) -> str:
        return next(iter(self.all(key)), "")

    def number(self, key: str) -> int | None:
        return _whole(self.text(key))

    def yes(self, key: str) -> bool | None:
        return {"yes": True, "no": False}.get(self.text(key))

    def fields(self, key: str, least: int) -> Iterator[list[str]]:
        """The fields of each fact of the key, at least that many."""
        for value in self._rows.get(key, ()):
            row = [_printable(part) for part in value.split(b"\t")]
            if len(row) >= least:
                yield row


def _cores(facts: Facts) -> Iterator[CoreKind]:
    for count, implementer, part, low, high, now, governor, *_ in facts.fields("cpu.cores", 7):
        which = (_whole(implementer, 16) or 0, _whole(part, 16) or 0)
        unknown = f"core {implementer} {part}" if any(which) else ""
        min_hz, max_hz, now_hz = (_whole(text) or 0 for text in (low, high, now))
        yield CoreKind(_whole(count) or 0, CORES.get(which, unknown), min_hz, max_hz, now_hz, governor)


def _place(facts: Facts, name: str) -> Place | None:
    path = facts.text(f"{name}.path")
    if not path:
        return None
    total, free, block, missing = (facts.number(f"{name}.{key}") or 0 for key in ("total", "free", "block", "missing"))
    kind, options, lock = (facts.text(f"{name}.{key}") for key in ("type", "options", "lock"))
    writable = facts.yes(f"{name}.writable") is True
    return Place(path, total, free, kind, options, writable, block, facts.number(f"{name}.files"), missing, lock)


def _sensor(kind: str, device: str, *rails: str) -> Sensor:
    return Sensor(kind, device, tuple(rail for rail in rails if rail not in _NO_RAILS))


def _zone(type_: str, temperature: str) -> Zone:
    sign, digits = (-1, temperature[1:]) if temperature.startswith("-") else (1, temperature)
    value = _whole(digits)
    return Zone(type_, None if value is None or value > 1_000_000 else sign * value / 1000)


def _throttled(text: str) -> tuple[str, ...] | None:
    value = _whole(text.removeprefix("throttled="), 16) if text else None
    if value is None:
        return None
    now = [what for bit, what in _THROTTLED.items() if value >> bit & 1]
    before = [f"{what} since boot" for bit, what in _THROTTLED.items() if value >> (bit + 16) & 1]
    return (*now, *before)


def parse(rows: Iterable[tuple[str, bytes]], isas: Sequence[str] = (), wall_s: float | None = None) -> Probe:
    """rows: key and value of each fact. isas: those that the agent uses. wall_s: this machine's clock when it asked."""
    facts = Facts(rows)
    clock = facts.number("clock.wall")
    modes = [(_whole(number), name) for number, name, *_ in facts.fields("power.modes", 2)]
    return Probe(
        model=facts.text("board.model"),
        compatible=facts.all("board.compatible"),
        machine=facts.text("kernel.machine"),
        kernel=facts.text("kernel.release"),
        cpu=facts.text("cpu.name"),
        hwcap=tuple(facts.text("cpu.hwcap").split()),
        features=tuple(facts.text("cpu.features").split()),
        isas=tuple(isas),
        cores=tuple(_cores(facts)),
        memory_bytes=facts.number("memory.total") or 0,
        memory_free=facts.number("memory.available") or 0,
        store=_place(facts, "store"),
        agent=_place(facts, "agent"),
        agent_pss=facts.number("agent.pss") or 0,
        os=facts.text("os.name"),
        l4t=facts.text("os.l4t"),
        bits=facts.number("userland.bits") or 0,
        libc=facts.text("libc.kind"),
        libc_version=facts.text("libc.version"),
        python=facts.text("python.version"),
        python_bits=facts.number("python.bits") or 0,
        user=facts.text("user.name"),
        user_id=facts.number("user.id"),
        home=facts.text("home.path"),
        home_writable=facts.yes("home.writable"),
        systemd=facts.yes("systemd.system"),
        systemd_user=facts.yes("systemd.user"),
        linger=facts.yes("systemd.linger"),
        clock_skew_s=None if clock is None or wall_s is None else round(clock - wall_s),
        sensors=tuple(_sensor(*row) for row in facts.fields("power.sensor", 2)),
        alarms=tuple(Alarm(hwmon, file, on != "0") for hwmon, file, on, *_ in facts.fields("alarm", 3)),
        zones=tuple(_zone(type_, temperature) for type_, temperature, *_ in facts.fields("thermal.zone", 2)),
        power_mode=facts.number("power.mode"),
        power_modes=tuple(PowerMode(number, name) for number, name in modes if number is not None),
        vcgencmd=facts.text("pi.vcgencmd"),
        throttled=_throttled(facts.text("pi.throttled")),
    )


def of_device(device: Device) -> Probe:
    """Ask a device. Refused: its agent is older than protocol 1.4."""
    facts = device.facts()
    asked = time.time()
    found = parse(((fact["key"], fact["value"]) for fact in device.link.stream("probe", "fact")), facts.isa_names, asked)
    return replace(found, firmware="" if facts.board == "linux" else facts.board)


def asked(device: Device) -> Probe | None:
    """As of_device; None where the agent is older."""
    try:
        return of_device(device)
    except Refused as refused:
        if refused.name == "unknown_command":
            return None
        raise


def probe(target: Target, quiet_s: float = QUIET_S) -> Probe:
    """Ask what a target is; nothing is left there, an agent that had to be sent neither."""
    with refusals(f"probe of {target.name}", board=target.name), connect(target.passing(), quiet_s) as device:
        return of_device(device)

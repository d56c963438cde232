"""Which board a probed device is, and where it differs from the board's file."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from edgeq_host.agents import MACHINES
from edgeq_host.boards import SHIPPED, Board, all_boards
from edgeq_host.probe import Probe
from edgeq_host.units import quantity

_LEAST_MEMORY = 0.75  # of the size that is sold: firmware and graphics keep the rest
_CLOCK_SHARE = 0.02  # of the clock, that two statements of it may differ


def arch(probe: Probe) -> str:
    """Of programs that run there; empty where edgeq has none for the machine."""
    of_kernel = MACHINES.get(probe.machine.lower(), "")
    return "armv7" if of_kernel == "aarch64" and probe.bits == 32 else of_kernel


def matches(probe: Probe, board: Board) -> bool:
    return any(fnmatchcase(compatible, pattern) for compatible in probe.compatible for pattern in board.match)


def identify(probe: Probe) -> Board | None:
    """By its device tree, boards of one's own first; else the generic board of its architecture, None where there is none. Firmware says
    itself what it is for."""
    boards = all_boards()
    if probe.firmware:
        return next((board for board in boards if board.id == probe.firmware), None)
    found = [board for board in boards if matches(probe, board)]
    found.sort(key=lambda board: (board.path.parent == SHIPPED.resolve(), board.id))
    generic = [board for board in boards if board.id.startswith("generic_") and board.chip.arch == arch(probe)]
    return next(iter(found or generic), None)


def itself(probe: Probe, board: Board) -> Board | None:
    """The board that a device says it is, where it cannot be `board`; a board that is its own device is what it is."""
    machine = MACHINES.get(probe.machine.lower(), "")
    ruled_out = any(_device_tree(probe, board)) or probe.firmware not in ("", board.id) or machine not in ("", board.chip.arch)
    return identify(probe) if ruled_out and not board.link else None


def mismatches(probe: Probe, board: Board) -> list[str]:
    """What the device and the file say otherwise; what the device does not say is passed over."""
    checks = (_device_tree, _arch, _isas, _cores, _clock, _memory, _power, _settings, _zones)
    return [text for check in checks for text in check(probe, board)]


def _device_tree(probe: Probe, board: Board) -> Iterator[str]:
    if board.match and not probe.compatible:
        yield f"the device has no device tree; {board.id} is known by {', '.join(board.match)}"
    elif board.match and not matches(probe, board):
        yield f"the device is {', '.join(probe.compatible)}; {board.id} is known by {', '.join(board.match)}"


def _arch(probe: Probe, board: Board) -> Iterator[str]:
    machine = MACHINES.get(probe.machine.lower(), probe.machine)
    if machine and machine != board.chip.arch:
        yield f"the device is of {machine}, the chip of {board.chip.arch}"
    elif board.chip.arch == "aarch64" and probe.bits == 32:
        yield "the user land has 32 bits on a 64-bit kernel: its Python is one for armv7"


def _isas(probe: Probe, board: Board) -> Iterator[str]:
    more = [name for name in probe.isas if name not in board.chip.isas]
    if more:
        yield f"the agent uses {', '.join(more)}, which the chip {board.chip.id} does not list"
    less = [name for name in board.chip.isas if name not in probe.isas]
    if probe.isas and less and board.match:  # a chip of a generic board may be any
        yield f"the chip {board.chip.id} lists {', '.join(less)}, which the agent does not use"


def _cores(probe: Probe, board: Board) -> Iterator[str]:
    if not board.cores or not probe.cores:
        return
    counts: dict[str, int] = {}
    for kind in probe.cores:
        counts[kind.name] = counts.get(kind.name, 0) + kind.count
    wanted = {cores.name: cores.counts for cores in board.cores}
    if counts.keys() == {""}:  # the device does not name them
        fits = len(wanted) == 1 and counts[""] in board.cores[0].counts
    else:
        fits = counts.keys() == wanted.keys() and all(counts[name] in wanted[name] for name in counts)
    if not fits:
        found = ", ".join(f"{count} x {name or 'core'}" for name, count in counts.items())
        said = ", ".join(f"{' or '.join(map(str, cores.counts))} x {cores.name}" for cores in board.cores)
        yield f"the device has {found}, the file says {said}"


def _clock(probe: Probe, board: Board) -> Iterator[str]:
    highest = max((kind.max_hz for kind in probe.cores), default=0)
    said = board.chip.clock_hz
    if highest and said and abs(highest - said) > _CLOCK_SHARE * said:
        yield f"its cores run at up to {quantity(highest, 'Hz')}, the file says {quantity(said, 'Hz')}"


def _memory(probe: Probe, board: Board) -> Iterator[str]:
    sizes = board.memory_bytes
    if probe.memory_bytes and sizes and not any(_LEAST_MEMORY * size <= probe.memory_bytes <= size for size in sizes):
        said = " or ".join(f"{size / 2**30:g} GiB" for size in sizes)
        yield f"the device has {probe.memory_bytes / 2**30:.2f} GiB of memory, the file says {said}"


def _power(probe: Probe, board: Board) -> Iterator[str]:
    for power in board.power:
        rails = {rail for sensor in probe.sensors if sensor.kind == power.kind for rail in sensor.rails}
        missing = [rail for rail in power.rails if rail not in rails]
        if missing:
            yield f"{power.kind} shows no rail {', '.join(missing)}" + (f"; it shows {', '.join(sorted(rails))}" if rails else "")
        elif power.kind == "vcgencmd" and not probe.vcgencmd:
            yield "vcgencmd is not installed: power cannot be read"
        elif power.kind in ("rapl", "battery") and not any(sensor.kind == power.kind for sensor in probe.sensors):
            yield f"there is no {power.kind}"


def _settings(probe: Probe, board: Board) -> Iterator[str]:
    if board.power_modes and probe.power_mode is None and not probe.power_modes:
        yield f"{board.power_modes} says no power mode"
    have = {(alarm.hwmon, alarm.file) for alarm in probe.alarms}
    for alarm in board.alarms:
        if (alarm.hwmon, alarm.file) not in have:
            yield f"the alarm {alarm.name} is not there: no {alarm.file} of hwmon {alarm.hwmon}"


def _zones(probe: Probe, board: Board) -> Iterator[str]:
    missing = [name for name in board.thermal_zones if name not in {zone.type for zone in probe.zones}]
    if missing:
        yield f"there is no thermal zone {', '.join(missing)}"

"""A probed device on the terminal: `edgeq devices probe`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from edgeq_host.cli import output
from edgeq_host.identify import identify, itself, mismatches
from edgeq_host.probe import CoreKind, Place, Probe, probe
from edgeq_host.risks import SKEW_S
from edgeq_host.targets import Target


def show(target: Target, as_json: bool) -> Probe:
    """Ask the target what it is and print it, with the board that this makes it and where the board's file says otherwise.

    Compared is the target's board where somebody has said it, else the one that was found.
    """
    found = probe(target)
    board = target.board or identify(found)
    other = itself(found, board) if board is not None else None
    differences = mismatches(found, board) if board is not None else []
    if as_json:
        what = {
            "device": target.name,
            "board": board.id if board else None,
            "said": target.board is not None,
            "itself": other.id if other else None,
        }
        output.document("edgeq.probe/1", **what, mismatches=differences, jetpack=found.jetpack, **asdict(found))
        return found
    name = "no board that edgeq knows" if board is None else f"{board.id}, {board.name}"
    known = "" if target.board else ", as the device says itself"
    output.line(f"{target.name}: {name}" + (f", as was said of it; it says itself that it is {other.id}" if other else known))
    for label, text in _rows(found):
        if text:
            output.line(f"  {label:<13} {text}")
    if board is not None and board.note:
        output.line(f"  {'note':<13} {board.note}")
    for text in differences:
        output.line(f"differs: {text}")
    if other is not None:
        output.note(f"hint:  edgeq devices probe {target.name} --save records what the device says itself")
    return found


def _rows(p: Probe) -> Iterator[tuple[str, str]]:
    yield "model", p.model
    yield "device tree", ", ".join(p.compatible)
    yield "kernel", ", ".join(filter(None, (p.machine, p.kernel)))
    yield "processor", p.cpu
    for kind in p.cores:
        yield "cores", _core(kind)
    yield "hwcap", " ".join(p.hwcap)
    yield "kernels", ", ".join(p.isas)
    if p.memory_bytes:
        yield "memory", f"{output.quantity(p.memory_free, 'B')} free of {output.quantity(p.memory_bytes, 'B')}"
    yield "store", _place(p.store)
    yield "agent", _place(p.agent)
    yield "system", ", ".join(filter(None, (p.os, p.l4t, p.jetpack)))
    yield "user land", f"{p.bits} bits, {p.libc} {p.libc_version}".rstrip() if p.bits else ""
    yield "python3", ", ".join(filter(None, (p.python, f"{p.python_bits} bits"))) if p.python_bits else ""
    yield "user", _user(p)
    if p.clock_skew_s is not None and abs(p.clock_skew_s) > SKEW_S:
        yield "clock", f"{abs(p.clock_skew_s)} s {'ahead of' if p.clock_skew_s > 0 else 'behind'} this machine's"
    for sensor in p.sensors:
        yield "power", f"{sensor.kind} ({sensor.device})" + (f": {', '.join(sensor.rails)}" if sensor.rails else "")
    yield "power mode", _mode(p)
    if p.throttled is not None:
        yield "throttled", ", ".join(p.throttled) or "no"
    yield "vcgencmd", p.vcgencmd
    for alarm in p.alarms:
        yield "alarm", f"{alarm.hwmon} {alarm.file}: {'on' if alarm.on else 'off'}"
    zones = [f"{z.type} {'not readable' if z.celsius is None else f'{z.celsius:.1f} C'}" for z in p.zones]
    yield "temperature", ", ".join(zones)


def _core(kind: CoreKind) -> str:
    clocks = [output.quantity(hz, "Hz") if hz else "" for hz in (kind.min_hz, kind.max_hz, kind.now_hz)]
    span = f"{clocks[0]} to {clocks[1]}" if clocks[0] and clocks[1] else ""
    now = f"now {clocks[2]}" if clocks[2] else ""
    return ", ".join(filter(None, (f"{kind.count} x {kind.name or 'core'}", span, now, kind.governor)))


def _place(place: Place | None) -> str:
    if place is None:
        return ""
    free, total = output.quantity(place.free_bytes, "B"), output.quantity(place.total_bytes, "B")
    kind = ", ".join(filter(None, (place.type, place.options.replace(" ", ", "))))
    return f"{place.path}: {free} free of {total}, {kind}" + ("" if place.writable else ", not writable for this user")


def _user(p: Probe) -> str:
    if p.user_id is None:
        return ""
    parts = [f"{p.user} ({p.user_id})" if p.user else f"number {p.user_id}"]
    if p.home:
        parts.append(f"home {p.home}" + ("" if p.home_writable else ", not writable"))
    if p.systemd:
        parts.append(("with" if p.systemd_user else "without") + " systemd for the user" + (", lingering" if p.linger else ""))
    return ", ".join(parts)


def _mode(p: Probe) -> str:
    name = next((mode.name for mode in p.power_modes if mode.id == p.power_mode), "")
    now = "" if p.power_mode is None else f"{p.power_mode} {name}".rstrip()
    others = ", ".join(f"{mode.id} {mode.name}" for mode in p.power_modes)
    return now + (f" (of {others})" if others else "")

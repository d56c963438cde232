"""What a probed device says for a board file of its kind, and what it cannot say."""

from __future__ import annotations

from collections import Counter
from typing import Any

from edgeq_host.board_schema import POWER
from edgeq_host.identify import identify
from edgeq_host.probe import Probe

# Bytes of memory that boards are sold with: 256 MiB and on.
_SIZES = tuple(n << 28 for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256))
_ALARMS = 16


def draft(probe: Probe) -> tuple[dict[str, Any], list[str]]:
    """Keys of the file with their values, and remarks on what somebody must add."""
    board = identify(probe)
    known = {
        "name": probe.model,
        "chip": board.chip.id if board else "",
        "match": list(probe.compatible[:-1] or probe.compatible),  # the last is the chip's
        "cores": _cores(probe),
        "memory_bytes": _memory(probe),
        "thermal_zones": list(dict.fromkeys(zone.type for zone in probe.zones)),
        "power_modes": "nvpmodel" if probe.power_modes else "",
        "systems": _systems(probe),
        "alarms": [{"name": f"{a.hwmon} {a.file}", "hwmon": a.hwmon, "file": a.file} for a in probe.alarms[:_ALARMS]],
        "power": _power(probe),
    }
    return {key: value for key, value in known.items() if value}, _remarks(probe)


def _cores(probe: Probe) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter()
    for kind in probe.cores:
        counts[kind.name] += kind.count
    return [{"name": name, "counts": [count]} for name, count in counts.items() if name]


def _memory(probe: Probe) -> list[int]:
    total = probe.memory_bytes
    return [next((size for size in _SIZES if size >= total), total)] if total else []


def _systems(probe: Probe) -> list[dict[str, Any]]:
    if not probe.os or probe.libc != "glibc" or not probe.libc_version:
        return []
    return [{"name": probe.os, "glibc": probe.libc_version, **({"python": probe.python} if probe.python else {})}]


def _power(probe: Probe) -> list[dict[str, Any]]:
    """Sensors of one rail at most: of several only somebody who knows the board can say which make up the whole."""
    sensors = [sensor for sensor in probe.sensors if sensor.kind in POWER and len(sensor.rails) < 2]
    return [{"kind": s.kind, **({"rails": list(s.rails), "total": list(s.rails)} if s.rails else {})} for s in sensors]


def _remarks(probe: Probe) -> list[str]:
    several = [sensor for sensor in probe.sensors if sensor.kind in POWER and len(sensor.rails) > 1]
    return [f"power: {s.kind} has the rails {', '.join(s.rails)}; which lie inside another the device cannot say" for s in several]

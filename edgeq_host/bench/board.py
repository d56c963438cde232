"""The kernels of a device, measured there by its agent; nothing is left on it."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq_host import rates, signing, silicon, trust, wire
from edgeq_host.bench import problems
from edgeq_host.bench.problems import Size
from edgeq_host.deploy import connect, refusals
from edgeq_host.device import MEMORY, Device
from edgeq_host.errors import LinkError
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Edge, Graph, Node, Quant, Tensor
from edgeq_host.keys import PrivateKey
from edgeq_host.link import QUIET_S
from edgeq_host.rates import Rate, Rates
from edgeq_host.targets import Target

ROUNDS, MAX_ROUNDS = 15, 101  # the most that an agent takes
_MOST_ROWS = 64  # answers to one problem
_MOST_TILE = 255  # rows that a kernel takes at once
_RUNS, _WARMUP = 200, 20
_WIDTH = 16  # of the smallest layer, whose kernel is measured with one row, as many channels and inputs


@dataclass(frozen=True)
class OnBoard:
    """machine: as the device says it. unmeasured: a kernel on a problem, and why."""

    machine: str
    isas: tuple[str, ...]
    rates: Rates
    unmeasured: tuple[str, ...]


def measure(
    target: Target,
    rounds: int = ROUNDS,
    every: bool = False,
    quiet_s: float = QUIET_S,
    seen: Callable[[int, int], None] | None = None,
    key: PrivateKey | None = None,
) -> OnBoard:
    """The kernels that operators choose on the device, or every one that runs there. key: one of the device's, where it has any."""
    found: dict[tuple[str, str, Size], Rate] = {}  # with one row in a tile two problems are the same
    unmeasured: dict[str, None] = {}
    asked = [(family, size) for family, sizes in problems.GRID.items() for size in sizes]
    with refusals(f"measuring the kernels of {target.name}", "", target.name), connect(target.passing(), quiet_s) as device:
        facts, source = device.facts(), silicon.source(target, device)
        layer = _layer(device, target, key)
        for number, (family, size) in enumerate(asked):
            for rate, why in _one(device, family, size, rounds, every):
                if why:
                    unmeasured[f"{rate.kernel}__{rate.isa} {problems.text(rate.kernel, rate.size)}: {why}"] = None
                else:
                    found.setdefault((rate.kernel, rate.isa, rate.size), rate)
            if seen is not None:
                seen(number + 1, len(asked))
        layer_ns = _layer_ns(device, layer, list(found.values()))
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    where = rates.device_of(target, facts)
    known = Rates(where, source, date, layer_ns, tuple(found.values()))
    return OnBoard(facts.machine, facts.isa_names, known, tuple(unmeasured))


def _one(device: Device, family: str, size: Size, rounds: int, every: bool) -> Iterator[tuple[Rate, str]]:
    """Each row's rate on a problem, with why it has none. A size that no row there takes has no answer."""
    rows, channels, inputs = size
    fields: dict[str, Any] = {"family": family, "rows": rows, "channels": channels, "inputs": inputs, "rounds": rounds, "all": int(every)}
    for count, reply in enumerate(device.link.stream("bench", "speed", **fields)):
        if count >= _MOST_ROWS:
            raise _strange(device, f"more than {_MOST_ROWS} kernels of one family")
        yield _checked(device, reply, family, size)


def _checked(device: Device, reply: wire.Reply, family: str, asked: Size) -> tuple[Rate, str]:
    kernel, isa, fault = reply["kernel"], reply["isa"], reply["fault"]
    size = reply["rows"], reply["channels"], reply["inputs"]
    if not rates.NAME.fullmatch(kernel) or not rates.NAME.fullmatch(isa) or problems.family(kernel) != family:
        raise _strange(device, f"the kernel {kernel[:60]!a} of {isa[:60]!a} for the family {family}")
    if size[1:] != asked[1:] or not (1 <= size[0] <= _MOST_TILE if asked[0] == 0 else size[0] == asked[0]):
        raise _strange(device, f"the size {size} for {asked}")
    if fault:
        known = wire.faults().get(fault)
        return Rate(kernel, isa, size, 0.0), known.text if known is not None else f"fault {fault}"
    try:
        return Rate(kernel, isa, size, rates.positive(reply["ns"])), ""
    except ValueError as error:
        raise _strange(device, str(error)) from error


def _strange(device: Device, what: str) -> LinkError:
    return LinkError(f"{device.what}: its agent gave {what}", "update edgeq on both sides; if it stays, report it")


def _layer(device: Device, target: Target, key: PrivateKey | None) -> bytes:
    """The file of the smallest layer, signed for a device that runs signed files only. SignatureError where `key` is none of its keys."""
    data = to_bytes(Bundle("layer", [Variant("int8", smallest())]))
    known = trust.ask(device)
    if not known.keys:
        return data
    return signing.sign(data, "layer", trust.one_of(known, key, target.name, "sign the layer that is measured", "--key"), 1)


def _layer_ns(device: Device, layer: bytes, found: list[Rate]) -> float:
    """What the smallest layer takes beyond its kernel: it lies in the device's memory for a moment."""
    device.put("", layer, MEMORY)
    device.open()
    layers = device.layers()
    times = [row[0] for _, _, row in device.profile(_RUNS, _WARMUP) if row]
    if not layers or not times:
        raise _strange(device, "no layer, or no times of it")
    size = 1, _WIDTH, _WIDTH
    kernel = [rate.ns for rate in found if (rate.kernel, rate.isa, rate.size) == (layers[0].kernel, layers[0].isa, size)]
    return max(statistics.median(times) - (kernel[0] if kernel else 0.0), 0.0)


def smallest() -> Graph:
    """A fully-connected layer of 16 inputs and outputs in int8."""
    quant = Quant(np.array([0.05]), np.array([0], np.int64))
    parts = np.zeros(_WIDTH, "<i4").view(np.uint8), np.full(_WIDTH, 1 << 30, "<i4").view(np.uint8), np.full(_WIDTH, 8, np.uint8)
    tensors = {
        "x": Tensor("x", (1, _WIDTH), "s8", None, quant),
        "w": Tensor("w", (_WIDTH, _WIDTH), "s8", np.ones((_WIDTH, _WIDTH), np.int8)),
        "rq": Tensor("rq", (9 * _WIDTH,), "u8", np.concatenate(parts)),
        "y": Tensor("y", (1, _WIDTH), "s8", None, quant),
    }
    attrs = {"x_zero": 0, "w_zero": 0, "y_zero": 0, "lo": -128, "hi": 127}
    ends = [Edge(name, name, (1, _WIDTH), (0, 1), "s8") for name in ("x", "y")]
    return Graph("layer", tensors, [Node("fully_connected_s8", "layer", ("x", "w", "rq"), ("y",), attrs)], ends[:1], ends[1:])

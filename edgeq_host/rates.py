"""What `edgeq bench kernels --board B` measured, kept on this machine for each device: `edgeq plan` estimates latency from it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeq_host.bench.problems import Size
from edgeq_host.device import Facts
from edgeq_host.errors import ModelError
from edgeq_host.export import write_file
from edgeq_host.files import read_bytes
from edgeq_host.targets import Target

SCHEMA = "edgeq.rates/1"
MAX_BYTES, MAX_RATES, MAX_NS = 1 << 20, 4096, 1e12
NAME = re.compile(r"[a-z0-9_]{1,64}")  # of a kernel or an instruction set
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Device:
    """What must be the same for a rate to be true of a device."""

    name: str
    address: str
    machine: str
    agent: str
    isas: tuple[str, ...]


@dataclass(frozen=True)
class Rate:
    """One kernel on one problem. ns: of a call."""

    kernel: str
    isa: str
    size: Size
    ns: float


@dataclass(frozen=True)
class Rates:
    """source: measured or emulated, on `date`. layer_ns: what a layer takes beside its kernel."""

    device: Device
    source: str
    date: str
    layer_ns: float
    rates: tuple[Rate, ...]


def device_of(target: Target, facts: Facts) -> Device:
    return Device(target.name, target.address, facts.machine, facts.agent, facts.isa_names)


def command_for(target: str) -> str:
    """What measures the rates of a device."""
    return f"edgeq bench kernels --board {target}"


def path_of(device: Device) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    digest = hashlib.sha256(json.dumps(asdict(device)).encode()).hexdigest()
    return Path(base) / "edgeq" / "rates" / f"{digest[:32]}.json"


def save(found: Rates) -> Path:
    """ModelError where the folder cannot be made or written; what was kept before stays then."""
    path = path_of(found.device)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{path.parent}: {error.strerror or error}", "set XDG_CACHE_HOME to a folder that can be written") from error
    write_file(path, json.dumps({"schema": SCHEMA, **asdict(found)}).encode())
    return path


def load(device: Device) -> Rates | None:
    """None where nothing was measured. ValueError says what is wrong with the file."""
    path = path_of(device)
    try:
        data = read_bytes(path, MAX_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error.strerror or error if isinstance(error, OSError) else error}") from error
    try:
        return parse(data, device)
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: it is no file of rates") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def of(target: Target, facts: Facts) -> Rates | None:
    """Those of a device; None also where the file of them is damaged."""
    try:
        return load(device_of(target, facts))
    except ValueError:
        return None


def parse(data: bytes, device: Device) -> Rates:
    """The rates of exactly this device. ValueError, KeyError, TypeError and their like where the bytes are anything else."""
    fields = json.loads(data.decode("utf-8"))
    if fields["schema"] != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    if fields["device"] != json.loads(json.dumps(asdict(device))):
        raise ValueError("it is of another device")
    if len(fields["rates"]) > MAX_RATES:
        raise ValueError(f"more than {MAX_RATES} rates")
    if fields["source"] not in ("measured", "emulated") or not _DATE.fullmatch(fields["date"]):
        raise ValueError("its source or date is none")
    rates = tuple(_rate(row) for row in fields["rates"])
    return Rates(device, fields["source"], fields["date"], positive(fields["layer_ns"], 0.0), rates)


def _rate(row: dict[str, Any]) -> Rate:
    kernel, isa, size = row["kernel"], row["isa"], tuple(row["size"])
    if not NAME.fullmatch(kernel) or not NAME.fullmatch(isa):
        raise ValueError("a rate of no kernel")
    if len(size) != 3 or not all(type(n) is int and 1 <= n <= 65536 for n in size):
        raise ValueError(f"a rate of the size {str(size)[:60]}")
    return Rate(kernel, isa, size, positive(row["ns"]))


def positive(value: Any, least: float = 1e-3) -> float:
    """A time in ns. ValueError for what cannot be one."""
    if type(value) not in (int, float) or not math.isfinite(value) or not least <= value <= MAX_NS:
        raise ValueError(f"a time of {str(value)[:40]} ns")
    return float(value)

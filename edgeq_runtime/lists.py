"""The lists in csrc/*.def, parsed: the only way Python learns operators, storage types, instruction sets and kernels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CSRC = Path(__file__).parent / "csrc"

_OP = re.compile(r"^EQ_OP(?:_PLAIN)?\((\d+), (\w+), (\d+), (\d+)(?:, (.*))?\)$", re.M)
_QTYPE = re.compile(r"^EQ_QTYPE\((\d+), (\w+), (\d+)\)$", re.M)
_ISA = re.compile(r'^EQ_ISA\((\w+), (\w+), (.+), "([^"]*)"\)$', re.M)
_SHA256 = re.compile(r'^EQ_SHA256\((\w+), (\w+), (.+), "([^"]*)"\)$', re.M)
_KERNEL = re.compile(r"^EQ_KERNEL(?:_PANEL)?\((\w+), (\w+), (\w+), (\d+), (\d+), (\d+)(?:, \d+)?\)$", re.M)
_FIELD = re.compile(r"(\w+)(?:\[(\d+)\])?")


@dataclass(frozen=True)
class Field:
    """One attribute of an operator: `count` values of `kind` ("int32_t" or "float"); count 0 is a scalar."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True)
class Op:
    id: int
    name: str
    inputs_min: int
    inputs_max: int
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class QType:
    id: int
    name: str
    bits: int


@dataclass(frozen=True)
class Isa:
    bit: int
    name: str
    arch: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Kernel:
    family: str
    types: str
    isa: str
    mr: int
    nr: int
    kr: int

    @property
    def stem(self) -> str:
        """File stem under csrc/kernels/ and, with eq_ before it, the C symbol."""
        return f"{self.family}_{self.types}__{self.isa}"


def _read(name: str) -> str:
    return (CSRC / name).read_text(encoding="utf-8")


def _fields(text: str) -> tuple[Field, ...]:
    found = []
    for declaration in filter(None, (part.strip() for part in (text or "").split(";"))):
        kind, _, names = declaration.partition(" ")
        for name in names.split(","):
            match = _FIELD.fullmatch(name.strip())
            if match is None or kind not in ("int32_t", "float"):
                raise ValueError(f"ops.def: cannot read the field {declaration!r}")
            found.append(Field(match[1], kind, int(match[2] or 0)))
    return tuple(found)


@cache
def ops() -> dict[str, Op]:
    """Operators by name, in the order of the list."""
    rows = _OP.findall(_read("ops.def"))
    return {name: Op(int(i), name, int(lo), int(hi), _fields(text)) for i, name, lo, hi, text in rows}


@cache
def qtypes() -> dict[str, QType]:
    return {name: QType(int(i), name, int(bits)) for i, name, bits in _QTYPE.findall(_read("qtypes.def"))}


@cache
def isas() -> dict[str, Isa]:
    rows = _ISA.findall(_read("isa.def"))
    return {name: Isa(bit, name, arch, tuple(flags.split())) for bit, (name, arch, _, flags) in enumerate(rows)}


@cache
def sha256s() -> dict[str, Isa]:
    """Instruction sets that SHA-256 alone is compiled for; `bit` is the row."""
    rows = _SHA256.findall(_read("sha256.def"))
    return {name: Isa(bit, name, arch, tuple(flags.split())) for bit, (name, arch, _, flags) in enumerate(rows)}


@cache
def kernels() -> tuple[Kernel, ...]:
    rows = _KERNEL.findall(_read("kernels.def"))
    return tuple(Kernel(f, t, i, int(mr), int(nr), int(kr)) for f, t, i, mr, nr, kr in rows)

"""Precisions, `w<bits>a<bits>`: what weights and activations may be. Each width is a row of a table; the rest follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeq_host.errors import UsageError


@dataclass(frozen=True)
class Kind:
    """Integers that a weight may be: low to high (signs: those two alone). dtype: how they are stored, a name of qtypes.def."""

    bits: int
    low: int
    high: int
    dtype: str

    @property
    def signs(self) -> bool:
        return self.bits == 1


TERNARY = "ternary"
WEIGHTS = {
    "8": Kind(8, -127, 127, "s8"),
    "7": Kind(7, -63, 63, "s8"),
    "6": Kind(6, -31, 31, "s8"),
    "5": Kind(5, -15, 15, "s8"),
    "4": Kind(4, -7, 7, "s4"),
    "3": Kind(3, -3, 3, "s4"),
    "2": Kind(2, -2, 1, "s2"),
    TERNARY: Kind(2, -1, 1, "s2"),
    "1": Kind(1, -1, 1, "b1"),
}
NESTED = WEIGHTS["4"]  # what the int4 variant of nested weights has
ACTIVATIONS = {16: 1 << 16, 8: 256, 4: 16, 2: 4, 1: 2}  # bits: levels
BYTE = 8  # bits of activations where nothing is said
WIDE = 16  # bits of activations that sums of 64 bits take
NAMES = {"int8": "w8a8", "binary": "w1a1"}
FLOAT = "float32"
GROUPS = (32, 64, 128)  # inputs that may share a multiplier
GROUP_BITS = 4  # the widest weights that have groups
_FORM = re.compile(r"w([1-8])a(1|2|4|8|16)")


@dataclass(frozen=True)
class Precision:
    """weights: None for float32. activations: bits of what a layer reads."""

    name: str
    weights: Kind | None
    activations: int


def parse(text: str) -> Precision:
    """UsageError for what does not exist or cannot be made, and for names that do not say what the activations are."""
    name = text.strip().lower()
    if name == FLOAT:
        return Precision(FLOAT, None, 32)
    if name == TERNARY:
        return Precision(TERNARY, WEIGHTS[TERNARY], 8)
    if found := re.fullmatch(r"int([1-7])", name):
        bits = found.group(1)
        raise UsageError(f"precision {name!r} does not say how wide the activations are", f"w{bits}a8 or w{bits}a{bits}?")
    form = _FORM.fullmatch(NAMES.get(name, name))
    if form is None:
        raise UsageError(f"{text!r} is no precision: it is w<weight bits>a<activation bits>", f"available: {available()}")
    if int(form.group(2)) not in ACTIVATIONS:
        found_text = f"precision {text!r} is not available: activations of {form.group(2)} bits cannot be made"
        raise UsageError(found_text, f"available: {available()}")
    short = {full: short for short, full in NAMES.items()}
    return Precision(short.get(form.group(0), form.group(0)), WEIGHTS[form.group(1)], int(form.group(2)))


def parse_list(text: str) -> tuple[Precision, ...]:
    """Precisions with commas between, each once."""
    found = tuple(parse(part) for part in text.split(","))
    names = [p.name for p in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UsageError(f"precision {', '.join(twice)} is named twice", "name each precision once")
    return found


def available() -> str:
    named = [n for n, full in NAMES.items() if int(full.split("a")[1]) in ACTIVATIONS]
    widths = f"w1 to w8 with {', '.join(f'a{bits}' for bits in ACTIVATIONS)}"
    return f"{', '.join([*named, TERNARY, FLOAT])}, {widths} (as in w4a8); several with commas make one file"

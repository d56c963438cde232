"""One operator of an opened model, with the kernel that runs it: what plan, inspect and profile show of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """kernel, isa and packing are empty where an operator has no micro-kernel."""

    name: str
    op: str
    kernel: str
    isa: str
    packing: str
    macs: int

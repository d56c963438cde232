"""What one variant of a model takes where it is opened: shown by plan and inspect under the same names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """Exact bytes for the instruction sets there. model_bytes: memory that opening takes, packed weights included; the file is mapped
    beside it."""

    name: str
    arena_bytes: int
    activation_bytes: int
    scratch_bytes: int
    model_bytes: int
    packed_bytes: int
    macs: int


def sizes(name: str, of: Any) -> dict[str, Any]:
    """The values of Sizes from what has them as attributes: a plan of the runtime, or what an agent has opened."""
    return {"name": name} | {field: getattr(of, field) for field in Sizes.__dataclass_fields__ if field != "name"}

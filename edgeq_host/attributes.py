"""Attributes of graph nodes by their row in ops.def."""

from __future__ import annotations

import math
from typing import Any

from edgeq_host.graph import Attrs
from edgeq_runtime import lists

_NEUTRAL: dict[str, float] = {"lo": -math.inf, "hi": math.inf, "stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "groups": 1}


def full_attrs(op: str, given: Attrs) -> Attrs:
    """`given` completed with the neutral value of every other field: no bound, step 1, else 0."""
    fields = lists.ops()[op].fields
    unknown = set(given) - {f.name for f in fields}
    assert not unknown, f"{op} has no attributes {sorted(unknown)}"
    return {f.name: _value(f, given.get(f.name)) for f in fields}


def _value(field: lists.Field, value: Any) -> Any:
    if field.count:
        held = [int(v) for v in (value if value is not None else ())]
        return held + [1 if field.name == "step" else 0] * (field.count - len(held))
    if value is None:
        value = _NEUTRAL.get(field.name, 0)
    return int(value) if field.kind == "int32_t" else float(value)

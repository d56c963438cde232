"""The operators of csrc/ops.def in numpy, written from SPEC.md section 2: what every kernel is held to, and slow.

One module per row, named as the row, with `run(attrs, inputs, output_shape) -> array`. Arrays have the internal layout
(channels last) and the stored type: float32, int32, int8 or uint8.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from edgeq_runtime import lists
from edgeq_runtime.ops._common import Array, Attrs

Run = Callable[[Attrs, list[Array], tuple[int, ...]], Array]


def reference(op: str) -> Run:
    """`run` of the operator. KeyError where ops.def has no such row."""
    return cast(Run, import_module(f"{__name__}.{lists.ops()[op].name}").run)

"""The operators of csrc/ops.def in numpy, written from SPEC.md section 2: what every kernel is held to, and slow.

One module per row, named as the row, with `run(attrs, inputs, output_shape) -> array`. Arrays have the internal layout
(channels last) and the stored type. `run(op, ...)` here runs any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from edgeq_runtime import lists
from edgeq_runtime.ops._common import DTYPES, Array, Attrs

__all__ = ["DTYPES", "Array", "Attrs", "reference", "run"]

Run = Callable[[Attrs, list[Array], tuple[int, ...]], Array]
TYPED = ("cast", "requantize_s16")  # whose `run` is told the output's type


def reference(op: str) -> Run:
    """`run` of the operator; that of TYPED takes the output's type as a fourth argument. KeyError where ops.def has no such row."""
    found: Run = import_module(f"{__name__}.{lists.ops()[op].name}").run
    return found


def run(op: str, attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...], dtype: str) -> Array:
    """Run any operator. dtype: the output's; only TYPED need to be told, for all others it follows from the operator and its inputs."""
    typed: Callable[..., Array] = reference(op)
    return typed(attrs, inputs, output_shape, dtype) if op in TYPED else typed(attrs, inputs, output_shape)

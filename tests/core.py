"""What tests of every part ask of the C core: its subsets of instruction sets, and what a run does to its arena."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from edgeq_runtime import lists, native

MARGIN = 256  # bytes painted behind the arena
TYPES = {"float32": 1, "int32": 2, "int8": 3, "uint8": 4, "int16": 8}


def selection(mask: int, kernels: tuple[lists.Kernel, ...] = ()) -> tuple[lists.Kernel, ...]:
    """What eq_select gives for each family and types of the list, or of these rows of it; portable is always in."""
    first: dict[tuple[str, str], lists.Kernel] = {}
    for kernel in kernels or lists.kernels():
        if (mask | 1) >> lists.isas()[kernel.isa].bit & 1:
            first.setdefault((kernel.family, kernel.types), kernel)
    return tuple(first[key] for key in sorted(first))


@lru_cache(maxsize=1)
def isa_masks() -> tuple[int, ...]:
    """Subsets of the instruction sets of this CPU, portable always in: the largest of those that select the same kernels, of those for
    signs and of all others each: an operator has one of them."""
    have = int(native.library().eq_cpu_isas())
    subsets = [mask for mask in range(1, have + 1) if mask & 1 and mask & have == mask]
    return tuple(sorted({mask for group in kernel_groups() for mask in {selection(mask, group): mask for mask in subsets}.values()}))


def kernel_groups() -> tuple[tuple[lists.Kernel, ...], ...]:
    """Rows of the list whose instruction sets have nothing to do with those of the others."""
    signs = tuple(k for k in lists.kernels() if k.types.endswith("_b1_b1"))
    return signs, tuple(k for k in lists.kernels() if k not in signs)


def painted_run(model: native.Model, inputs: list[np.ndarray], colour: int) -> bytes:
    """The arena after a run in memory that was all one colour, with what lies behind it."""
    memory = native.Memory(model.plan.arena_bytes + MARGIN, bytes([colour]) * (model.plan.arena_bytes + MARGIN))
    lib = native.library()
    for i, x in enumerate(inputs):
        assert lib.eq_set_input(model._handle, memory.address, i, TYPES[x.dtype.name], np.ascontiguousarray(x).ctypes.data, x.nbytes) == 0
    assert lib.eq_run(model._handle, memory.address, model.plan.arena_bytes, None) == 0
    return bytes(memory.view)


def high_water(model: native.Model, inputs: list[np.ndarray]) -> int:
    """The end of what a run writes: the last byte that differs from the paint, in one of two colours."""
    end = 0
    for colour in (0x5A, 0xA5):
        used = np.flatnonzero(np.frombuffer(painted_run(model, inputs, colour), np.uint8) != colour)
        end = max(end, int(used[-1]) + 1 if used.size else 0)
    return end

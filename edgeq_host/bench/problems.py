"""On which problems kernels are measured, here and on a board, and what is counted there."""

from __future__ import annotations

from itertools import product

Size = tuple[int, int, int]

# What networks have. gemm: rows (0: as many as the kernel takes in a tile), channels, inputs; dwconv, maxpool, sum: pixels, channels, taps;
# add, lookup: elements.
SHAPES: dict[str, tuple[Size, ...]] = {
    "gemm": ((0, 128, 1152), (0, 128, 64)),
    "dwconv": ((224, 128, 9),),
    "add": ((4096, 1, 1),),
    "lookup": ((4096, 1, 1),),
    "maxpool": ((28, 64, 9),),
    "sum": ((1, 128, 49),),
    "sign": ((784, 128, 1),),
    "unpack": ((784, 128, 1),),
}
SIGN_SHAPES: tuple[Size, ...] = ((96, 128, 1152), (504, 128, 128))  # of products of signs, which are so much faster
# What an estimate needs beyond that: how the rate falls with few rows, channels and inputs. 48 rows: of the kernels that take many.
GRID: dict[str, tuple[Size, ...]] = {
    **SHAPES,
    "gemm": (*product((0, 1), (128, 16), (1152, 256, 64, 16)), *product((48,), (128, 16), (256, 64, 16))),
    "dwconv": tuple(product((224, 24), (128, 16), (9,))),
    "add": ((4096, 1, 1), (64, 1, 1)),
    "lookup": ((4096, 1, 1), (64, 1, 1)),
    "sign": ((784, 128, 1), (16, 32, 1)),
    "unpack": ((784, 128, 1), (16, 32, 1)),
}
_MACS = ("gemm", "dwconv")
_FLAT = ("add", "lookup", "sign", "unpack")
_UNITS = {
    "gemm": "",
    "sign": "",
    "unpack": "",
    "dwconv": " taps",
    "maxpool": " taps",
    "sum": " taps",
    "add": " elements",
    "lookup": " elements",
}


def of_signs(kernel: str) -> bool:
    """Whether it multiplies signs with signs."""
    return family(kernel) == "gemm" and kernel.endswith("_b1_b1")


def shapes(kernel: str) -> tuple[Size, ...]:
    return SIGN_SHAPES if of_signs(kernel) else SHAPES.get(family(kernel), ())


def family(kernel: str) -> str:
    return kernel.partition("_")[0]


def has_macs(kernel: str) -> bool:
    """Whether its work is multiply-adds; of the others it is elements read (of add: additions)."""
    return family(kernel) in _MACS


def work(size: Size) -> int:
    return size[0] * size[1] * size[2]


def text(kernel: str, size: Size) -> str:
    kind = family(kernel)
    return "x".join(str(n) for n in size if n > 1 or kind not in _FLAT) + _UNITS.get(kind, "")

"""eq_select: a pure function of the table and a mask."""

from __future__ import annotations

import ctypes

import pytest

from edgeq_host.bench import timing
from edgeq_runtime import lists, native
from tests.core import isa_masks, kernel_groups, selection

FAMILIES = sorted({(k.family, k.types) for k in lists.kernels()})


class Kernel(ctypes.Structure):
    """struct eq_kernel."""

    _fields_ = [
        ("family", ctypes.c_char_p),
        ("types", ctypes.c_char_p),
        ("run", ctypes.c_void_p),
        ("isa", ctypes.c_uint8),
        ("mr", ctypes.c_uint8),
        ("nr", ctypes.c_uint8),
        ("kr", ctypes.c_uint8),
        ("grain", ctypes.c_uint8),
    ]


def select(family: str, types: str, mask: int) -> Kernel | None:
    function = timing.library().eq_select  # libedgeq.so does not show it
    function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint32]
    function.restype = ctypes.POINTER(Kernel)
    found = function(family.encode(), types.encode(), mask)
    return found.contents if found else None


@pytest.mark.parametrize(("family", "types"), FAMILIES)
def test_every_subset_of_the_mask_selects_its_first_row(family: str, types: str) -> None:
    isas, mask = lists.isas(), int(native.library().eq_cpu_isas())
    subset = mask
    while True:
        rows = [k for k in lists.kernels() if (k.family, k.types) == (family, types) and (subset | 1) >> isas[k.isa].bit & 1]
        found = select(family, types, subset)
        assert found is not None and found.run
        assert (found.isa, found.mr, found.nr, found.kr) == (isas[rows[0].isa].bit, rows[0].mr, rows[0].nr, rows[0].kr)
        if subset == 0:
            break
        subset = (subset - 1) & mask


def test_the_subsets_that_tests_run_select_what_all_subsets_select() -> None:
    have = int(native.library().eq_cpu_isas())
    for group in kernel_groups():
        every = {selection(mask, group) for mask in range(have + 1) if mask & have == mask}
        assert {selection(mask, group) for mask in isa_masks()} == every and len(every) <= len(isa_masks())
    assert have in isa_masks() and all(mask & 1 for mask in isa_masks())


def test_an_unknown_family_or_type_selects_nothing() -> None:
    assert select("gemm", "s8_s8_s9", 0xFFFFFFFF) is None
    assert select("gem", "s8_s16_s8", 0xFFFFFFFF) is None


def test_rows_say_how_to_pack_in_numbers_that_operators_can_use() -> None:
    for row in lists.kernels():
        assert row.mr >= 1 and row.nr >= 1, row
        if row.isa == "portable" or row.types == "f32_f32_f32":
            assert row.kr == 0, f"{row.stem} reads the neutral layout"

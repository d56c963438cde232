"""Emulated: the kernels of Cortex-M with DSP, and of those with Helium, equal the portable ones, on every core that has them."""

from __future__ import annotations

import re

import pytest

from bench.cortexm import guest
from edgeq_runtime import firmware, lists

pytestmark = pytest.mark.slow
DSP, HELIUM = "cortexm_dsp", "cortexm_mve"
CORES = [core for core in guest.MACHINES if DSP in firmware.CORES[core].isas]
GEMM = ("gemm_s8_s16_s8", "gemm_s8_s16_s4", "dwconv_s8_s8_s8")
LONG = "gemm"  # products on vectors, which QEMU takes a minute each for


def passed(core: str, names: list[str]) -> list[str]:
    return re.findall(r"^ok +(\w+) ", guest.run(core, "selftest", names), re.M)


def kernels(isa: str) -> list[str]:
    return [kernel.stem for kernel in lists.kernels() if kernel.isa == isa]


@pytest.mark.parametrize("core", [core for core in CORES if HELIUM not in firmware.CORES[core].isas])
def test_products_of_bytes_equal_portable(core: str) -> None:
    names = [name for name in kernels(DSP) if name.startswith(GEMM)]
    assert len(names) == len(GEMM) and passed(core, names) == names


@pytest.mark.exhaustive
@pytest.mark.parametrize("core", CORES)
def test_every_kernel_equals_portable(core: str) -> None:
    assert passed(core, kernels(DSP)) == kernels(DSP)


def test_helium_equals_portable() -> None:
    """Products of bytes: what layers and whole networks give, and the next test."""
    names = [name for name in kernels(HELIUM) if not name.startswith(LONG)]
    assert len(names) == 7 and passed("m55", names) == names


@pytest.mark.exhaustive
def test_every_kernel_of_helium_equals_portable() -> None:
    assert passed("m55", kernels(HELIUM)) == kernels(HELIUM)


def test_a_core_without_dsp_has_no_such_kernel() -> None:
    with pytest.raises(RuntimeError, match="no such kernel is built in"):
        guest.run("m3", "selftest", kernels(DSP)[:1])

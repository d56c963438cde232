"""Emulated: the kernels of Cortex-M with DSP equal the portable ones, on every core that has them."""

from __future__ import annotations

import re

import pytest

from bench.cortexm import guest
from edgeq_runtime import firmware, lists

pytestmark = pytest.mark.slow
ISA = "cortexm_dsp"
CORES = [core for core in guest.MACHINES if ISA in firmware.CORES[core].isas]
GEMM = ("gemm_s8_s16_s8", "gemm_s8_s16_s4", "dwconv_s8_s8_s8")


def passed(core: str, names: list[str]) -> list[str]:
    return re.findall(r"^ok +(\w+) ", guest.run(core, "selftest", names), re.M)


def kernels() -> list[str]:
    return [kernel.stem for kernel in lists.kernels() if kernel.isa == ISA]


@pytest.mark.parametrize("core", CORES)
def test_products_of_bytes_equal_portable(core: str) -> None:
    names = [name for name in kernels() if name.startswith(GEMM)]
    assert len(names) == len(GEMM) and passed(core, names) == names


@pytest.mark.exhaustive
@pytest.mark.parametrize("core", CORES)
def test_every_kernel_equals_portable(core: str) -> None:
    assert passed(core, kernels()) == kernels()


def test_a_core_without_dsp_has_no_such_kernel() -> None:
    with pytest.raises(RuntimeError, match="no such kernel is built in"):
        guest.run("m3", "selftest", kernels()[:1])

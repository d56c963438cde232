"""Emulated: every kernel of CPUs without dotprod equals the portable one, and none above the CPU runs."""

from __future__ import annotations

import pytest

from tests.arm import selftests

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cpu", selftests.cpus("neon"))
def test_every_kernel_of_the_cpu_equals_portable(cpu: str) -> None:
    assert selftests.passed(cpu) == selftests.kernels(cpu)


@pytest.mark.parametrize("cpu", selftests.cpus("neon"))
def test_a_kernel_above_the_cpu_does_not_run_there(cpu: str) -> None:
    assert {"gemm_s8_s8_s8__neon_dotprod", "gemm_s8_s8_s4__neon_i8mm"} <= set(selftests.skipped(cpu))

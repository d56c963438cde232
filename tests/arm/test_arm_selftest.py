"""Emulated: kernels of CPUs without dotprod equal the portable ones, and none above the CPU runs."""

from __future__ import annotations

import pytest

from tests.arm import selftests

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("cpu", "kernels"), selftests.shares("neon"))
def test_kernels_of_the_cpu_equal_portable(cpu: str, kernels: tuple[str, ...]) -> None:
    assert selftests.passed(cpu, kernels) == kernels


@pytest.mark.parametrize("cpu", selftests.cpus("neon"))
def test_a_kernel_above_the_cpu_does_not_run_there(cpu: str) -> None:
    above = selftests.kernels("neon_dotprod", "neon_i8mm")
    assert above and selftests.skipped(cpu, above) == above

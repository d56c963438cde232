"""Emulated: kernels of CPUs with i8mm equal the portable ones. A file of its own, for a worker of its own."""

from __future__ import annotations

import pytest

from tests.arm import selftests

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("cpu", "kernels"), selftests.shares("neon_i8mm"))
def test_kernels_of_the_cpu_equal_portable(cpu: str, kernels: tuple[str, ...]) -> None:
    assert selftests.passed(cpu, kernels) == kernels

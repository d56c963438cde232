"""Emulated: every kernel of a CPU with i8mm equals the portable one. A file of its own, for a worker of its own."""

from __future__ import annotations

import pytest

from tests.arm import selftests

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cpu", selftests.cpus("neon_i8mm"))
def test_every_kernel_of_the_cpu_equals_portable(cpu: str) -> None:
    assert selftests.passed(cpu) == selftests.kernels(cpu)

"""Emulated: every kernel of CPUs with dotprod equals the portable one. A file of its own, for a worker of its own."""

from __future__ import annotations

import pytest

from tests.arm import selftests

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cpu", selftests.cpus("neon_dotprod"))
def test_every_kernel_of_the_cpu_equals_portable(cpu: str) -> None:
    assert selftests.passed(cpu) == selftests.kernels(cpu)

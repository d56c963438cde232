"""Emulated: every kernel of each CPU equals the portable one, and each CPU is told by what it has."""

from __future__ import annotations

import re

import pytest

from bench.arm import guest
from edgeq_runtime import build, lists

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cpu", guest.CPUS)
def test_every_kernel_of_the_cpu_equals_portable(cpu: str) -> None:
    text = guest.run(cpu, [guest.program("selftest")]).decode()
    passed = [line.split()[1] for line in text.splitlines() if line.startswith("ok ")]
    assert passed == [k.stem for k in lists.kernels() if k.isa in guest.CPUS[cpu]]


def test_a_kernel_above_the_cpu_does_not_run_there() -> None:
    text = guest.run("cortex-a72", [guest.program("selftest")]).decode()
    assert re.search(r"^skip gemm_s8_s8_s8__neon_dotprod not on this cpu$", text, re.M)


def test_the_library_and_the_agent_are_built_for_arm() -> None:
    for target in ("lib", "agent"):
        head = guest.program(target).read_bytes()[:20]
        assert head[:4] == b"\x7fELF" and head[18] == 183, "not an ELF file of AArch64"


def test_all_kernels_together_stay_under_300_kb() -> None:
    assert guest.program("lib").stat().st_size < 300_000


def test_flags_of_an_arm_row_are_written_as_the_compiler_wants_them() -> None:
    on = dict.fromkeys(lists.isas(), True)
    kernel = build.CSRC / "kernels" / "gemm_s8_s8_s8__neon_dotprod.c"
    assert "-march=armv8.2-a+dotprod" in build.compile_command(build.Config("gcc"), on, kernel, kernel)
    assert "-mcpu=generic+v8_2a+dotprod" in build.compile_command(build.cross("lib", "aarch64"), on, kernel, kernel)

"""The cross-build: what it makes, its size and its flags."""

from __future__ import annotations

import pytest

from bench import goals
from bench.arm import guest
from edgeq_runtime import build, lists

pytestmark = pytest.mark.slow


def test_the_library_and_the_agent_are_built_for_arm() -> None:
    for target in ("lib", "agent"):
        head = guest.program(target).read_bytes()[:20]
        assert head[:4] == b"\x7fELF" and head[18] == 183, "not an ELF file of AArch64"


def test_all_kernels_together_stay_small() -> None:
    assert guest.program("lib").stat().st_size < goals.LIBRARY_BYTES["aarch64"]


def test_flags_of_an_arm_row_are_written_as_the_compiler_wants_them() -> None:
    on = dict.fromkeys(lists.isas(), True)
    kernel = build.CSRC / "kernels" / "gemm_s8_s8_s8__neon_dotprod.c"
    assert "-march=armv8.2-a+dotprod" in build.compile_command(build.Config("gcc"), on, kernel, kernel)
    assert "-mcpu=generic+v8_2a+dotprod" in build.compile_command(build.cross("lib", "aarch64"), on, kernel, kernel)
    sha2 = build.CSRC / "hash" / "sha256__sha2.c"
    assert "-march=armv8-a+crypto" in build.compile_command(build.Config("gcc"), on, sha2, sha2)
    assert "-mcpu=generic+crypto" in build.compile_command(build.cross("lib", "aarch64"), on, sha2, sha2)

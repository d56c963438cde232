"""Which instruction sets an agent or a library finds: those of the kernel's list, whichever compiler made it."""

from __future__ import annotations

import ctypes
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_host import agents
from edgeq_runtime import build, lists

CPUINFO = Path("/proc/cpuinfo")
ROW = re.compile(r'^EQ_ISA\((\w+), (\w+), (.+), "', re.M)
FEATURE = re.compile(r"EQ_X86\((\w+)\)|EQ_HWCAP2?\(HWCAP2?_(\w+)\)")
# By the name that QEMU has for a processor. It emulates AVX2 and no more; without xsave nobody saves wide registers.
EMULATED = {
    "Nehalem": "portable",
    "Haswell,-rtm,-hle": "portable avx2",
    "Haswell,-rtm,-hle,-avx2": "portable",
    "Haswell,-rtm,-hle,-xsave": "portable",
    "max": "portable avx2",
}


def of_the_kernel() -> set[str]:
    """Rows of isa.def whose features are all among those of /proc/cpuinfo, on this machine."""
    text = CPUINFO.read_text() if CPUINFO.exists() else ""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.M)
    if found is None:
        pytest.skip("/proc/cpuinfo has no list of features: it does not run here")
    here = set(found[1].split())
    rows = ROW.findall((lists.CSRC / "isa.def").read_text())
    wanted = {name: {(x86 or arm.lower()) for x86, arm in FEATURE.findall(check)} for name, arch, check in rows}
    arches = {name: arch for name, arch, _ in rows}
    return {name for name, features in wanted.items() if arches[name] in ("any", platform.machine()) and features <= here}


def found_by(library: Path) -> set[str]:
    loaded = ctypes.CDLL(str(library))
    loaded.eq_isa_name.restype = ctypes.c_char_p
    mask = loaded.eq_cpu_isas()
    return {loaded.eq_isa_name(bit).decode() for bit in range(32) if mask >> bit & 1}


@pytest.mark.slow
@pytest.mark.parametrize("cc", ["gcc", "clang", "zig"])
def test_a_library_finds_what_the_kernel_lists(cc: str) -> None:
    if cc == "zig":
        pytest.importorskip("ziglang")
        library = build.build("lib", build.cross("lib", platform.machine()))
    elif shutil.which(cc):
        library = build.build("lib", build.config_for("lib", cc, False))
    else:
        pytest.skip(f"{cc} is not installed")
    assert found_by(library) == of_the_kernel()


@pytest.mark.slow
@pytest.mark.parametrize("cpu", EMULATED)
def test_what_the_processor_or_the_system_lacks_is_not_used(devices: Path, cpu: str) -> None:
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        pytest.skip("qemu-x86_64 is not installed: run tools/install.sh")
    command = [qemu, "-cpu", cpu, devices / "x86_64" / agents.AGENT, "status"]
    done = subprocess.run(command, env={"EDGEQ_ISA": "none"}, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].endswith(f"it has {EMULATED[cpu]}"), done.stderr

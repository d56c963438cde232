"""The core as the linker sees it: nothing that can be written outside a caller's memory, and next to nothing of the C library."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edgeq_runtime import build

# What a compiler may call by itself and every microcontroller has; sqrtf and strcmp; how eq_cpu.c asks for the instruction sets.
MAY_CALL = {"memcpy", "memmove", "memset", "memcmp", "bcmp", "strcmp", "sqrtf", "_GLOBAL_OFFSET_TABLE_"}
MAY_CALL |= {"getauxval"}
MAY_INCLUDE = {"arm_acle.h", "arm_mve.h", "arm_neon.h", "float.h", "immintrin.h", "math.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}
OF_ONE_FILE = {"eq_cpu.c": {"asm/hwcap.h", "sys/auxv.h"}, "eq_x86.h": {"cpuid.h"}}
PROGRAMS = {"runner.c"}
WRITABLE = re.compile(r"\.t?bss|\.t?data(?!\.rel\.ro)|\*COM\*|COMMON")
SYSTEM = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.M)
BROKEN = {
    "exported_global": "int eq_count; int eq_next(void); int eq_next(void) { return eq_count++; }",
    "hidden_counter": "int eq_next(void); int eq_next(void) { static int count = 4; return count++; }",
    "thread_local": "_Thread_local int eq_count;",
    "snprintf": '#include <stdio.h>\nint eq_say(char *s, int v); int eq_say(char *s, int v) { return snprintf(s, 9, "%d", v); }',
    "aligned_alloc": "#include <stdlib.h>\nvoid *eq_take(void); void *eq_take(void) { return aligned_alloc(64, 64); }",
    "strdup": "#include <string.h>\nchar *eq_copy(const char *s); char *eq_copy(const char *s) { return strdup(s); }",
    "exp_of_libm": "#include <math.h>\nfloat eq_power(float x); float eq_power(float x) { return expf(x); }",
}


def config() -> build.Config:
    return build.config_for("selftest", None, False)


def objects(config: build.Config) -> list[Path]:
    """Of core, operators and kernels."""
    on = build.enabled(config.cc)
    config.folder.mkdir(parents=True, exist_ok=True)
    sources = [p for p in build.target_sources("selftest", on) if p.name not in PROGRAMS and p.parent.name not in ("selftest", "posix")]
    with build._locked(config.folder):
        return [build.compile_one(config, on, source) for source in sources]


def symbols(paths: Sequence[Path]) -> Iterator[tuple[str, str, str]]:
    """Object, name and section of every symbol."""
    for path in paths:
        table = subprocess.run(["nm", "--format=sysv", path], capture_output=True, text=True, check=True).stdout
        rows = [[part.strip() for part in line.split("|")] for line in table.splitlines() if line.count("|") == 6]
        yield from ((path.name, row[0], row[6]) for row in rows if row[0] != "Name")


def faults(paths: Sequence[Path]) -> list[str]:
    found = list(symbols(paths))
    assert len(found) > len(paths)
    own = {name for _, name, section in found if section != "*UND*"}
    return [f"{place}: {name} in {section}" for place, name, section in found if WRITABLE.match(section)] + [
        f"{place}: calls {name}" for place, name, section in found if section == "*UND*" and name not in own | MAY_CALL
    ]


def test_the_core_has_no_writable_data_and_calls_nothing_that_allocates_or_prints() -> None:
    assert faults(objects(config())) == []


def test_the_core_includes_only_headers_without_a_system_behind_them() -> None:
    files = [
        p
        for p in build.CSRC.rglob("*.[ch]")
        if not {"agent", "fuzz", "bench", "selftest", "posix"} & set(p.parts) and p.name not in PROGRAMS
    ]
    bad = [
        f"{p.name} includes {name}"
        for p in files
        for name in SYSTEM.findall(p.read_text())
        if name not in MAY_INCLUDE | OF_ONE_FILE.get(p.name, set())
    ]
    assert files and not bad, bad


@pytest.mark.parametrize("name", BROKEN)
def test_a_core_that_keeps_state_or_calls_the_system_is_found(name: str, tmp_path: Path) -> None:
    source = tmp_path / f"{name}.c"
    source.write_text(BROKEN[name] + "\n")
    base, compiled = config(), tmp_path / f"{name}.o"
    command = build.compile_command(base, build.enabled(base.cc), source, compiled)
    subprocess.run(command, check=True, capture_output=True)
    assert faults([*objects(base), compiled])


def test_the_library_shows_what_its_public_headers_declare_and_nothing_else() -> None:
    library = build.build("lib", build.config_for("lib", None, False))
    listed = subprocess.run(["nm", "-D", "--defined-only", str(library)], check=True, capture_output=True, text=True).stdout
    assert sorted(line.split()[2] for line in listed.splitlines()) == build.exported()
    assert {"eq_open", "eq_run_on", "eq_store_open"} <= set(build.exported())

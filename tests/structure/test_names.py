"""Names parse by the grammar of DESIGN.md, from the first commit."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from edgeq_runtime import lists

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "edgeq_runtime" / "csrc"
TYPE = r"(?:s8|u8|s16|s32|f32|s4|s2|b1|s4x2)"
KERNEL = re.compile(rf"[a-z0-9]+_{TYPE}_{TYPE}_{TYPE}(?:_\d+x\d+)?__[a-z0-9_]+")
WORD = re.compile(r"[a-z][a-z0-9_]*")
MODULE_LINES, KERNEL_LINES, C_LINES = 300, 150, 400


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / n for n in names if (ROOT / n).exists() and "third_party" not in n]


def test_kernel_names_are_operator_output_activation_weight_tile_isa() -> None:
    bad = [k.stem for k in lists.kernels() if not KERNEL.fullmatch(k.stem)]
    assert not bad, bad


def test_operators_types_and_instruction_sets_are_lower_case_words() -> None:
    names = [*lists.ops(), *lists.qtypes(), *lists.isas(), *(f.name for op in lists.ops().values() for f in op.fields)]
    assert all(WORD.fullmatch(n) for n in names)


def test_exported_c_symbols_begin_with_eq() -> None:
    definition = re.compile(r"^(?!static|typedef|struct|enum|extern|#|\s|/)[a-z][\w *]*?\b(\w+)\([^;]*\)\s*\{", re.M)
    programs = {"main.c"}
    files = [p for p in tracked("edgeq_runtime/csrc/*.c") if not {"fuzz", "selftest"} & set(p.parts) and p.name not in programs]
    bad = [f"{p.name}: {n}" for p in files for n in definition.findall(p.read_text()) if not n.startswith("eq_") and n != "main"]
    assert not bad, bad


def test_test_names_promise_something() -> None:
    name = re.compile(r"^\s*(?:async )?def (test_\w+)", re.M)
    bad = [
        f"{p.name}: {n}" for p in tracked("tests/**/test_*.py", "tests/test_*.py") for n in name.findall(p.read_text()) if n.count("_") < 2
    ]
    assert not bad, f"a test's name says what it promises: {bad}"


def test_files_stay_small() -> None:
    limits = [
        (tracked("edgeq_host/*.py", "edgeq_runtime/*.py", "tests/*.py", "examples/*.py", "bench/*.py", "tools/*.py"), MODULE_LINES),
        (tracked("edgeq_runtime/csrc/kernels/*.[ch]"), KERNEL_LINES),
        (tracked("edgeq_runtime/csrc/*.c", "firmware/*.c"), C_LINES),
    ]
    generated = {"eqm_generated.py"}
    long = [
        f"{p.relative_to(ROOT)}: {n} lines, at most {limit}"
        for files, limit in limits
        for p in files
        if p.name not in generated and (n := len(p.read_text().splitlines())) > limit
    ]
    assert not long, long

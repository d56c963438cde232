"""The lists and the folders they speak of agree; ids are unique; nothing is registered twice or forgotten."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_runtime import lists

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "edgeq_runtime" / "csrc"


def stems(folder: Path, pattern: str) -> set[str]:
    return {p.stem for p in folder.glob(pattern) if not p.stem.startswith("_")}


def test_every_operator_has_its_c_file_and_its_reference() -> None:
    names = set(lists.ops())
    assert names <= stems(CSRC / "ops", "*.c")
    assert stems(ROOT / "edgeq_runtime" / "ops", "*.py") == names


def test_no_c_file_of_an_operator_is_left_without_its_row() -> None:
    typed = {stem for stem in stems(CSRC / "ops", "*.c") if stem.endswith(("_s8", "_s16", "_f32"))}
    shared = {"gemm_s8", "gemm_s16", "gemm_f32"}  # what several rows call
    assert typed - set(lists.ops()) <= shared


def test_every_row_of_the_lists_is_read() -> None:
    for name, rows in (("ops", lists.ops()), ("qtypes", lists.qtypes()), ("isa", lists.isas()), ("sha256", lists.sha256s())):
        text = (CSRC / f"{name}.def").read_text()
        macro = {"ops": "EQ_OP", "qtypes": "EQ_QTYPE", "isa": "EQ_ISA", "sha256": "EQ_SHA256"}[name]
        assert len(rows) == len(re.findall(rf"^{macro}", text, re.M))
    assert len(lists.kernels()) == len(re.findall(r"^EQ_KERNEL", (CSRC / "kernels.def").read_text(), re.M))


def test_ids_are_unique_and_fit_their_field() -> None:
    ops = [op.id for op in lists.ops().values()]
    types = [t.id for t in lists.qtypes().values()]
    assert len(set(ops)) == len(ops) and all(0 < i < 65536 for i in ops)
    assert len(set(types)) == len(types) and all(0 < i < 256 for i in types)


def test_every_kernel_file_is_one_row_and_every_row_one_file() -> None:
    rows = [k.stem for k in lists.kernels()]
    assert len(set(rows)) == len(rows)
    assert set(rows) == stems(CSRC / "kernels", "*.c")


def test_every_hash_file_is_one_row_and_every_row_one_file() -> None:
    assert {f"sha256__{name}" for name in lists.sha256s()} == stems(CSRC / "hash", "*.c")
    assert not set(lists.sha256s()) & set(lists.isas())


def test_every_kernel_has_a_portable_twin_and_a_known_instruction_set() -> None:
    rows = lists.kernels()
    assert {k.isa for k in rows} <= set(lists.isas())
    for family, types in {(k.family, k.types) for k in rows}:
        last = [k for k in rows if (k.family, k.types) == (family, types)][-1]
        assert last.isa == "portable", f"{family}_{types}: portable must be there, and last"


def test_generated_flatbuffer_code_is_fresh(tmp_path: Path) -> None:
    if not shutil.which("flatc"):
        pytest.skip("flatc is not installed: apt-get install flatbuffers-compiler")
    subprocess.run(["flatc", "--python", "--gen-onefile", "--gen-object-api", "-o", tmp_path, ROOT / "schema" / "eqm.fbs"], check=True)
    fresh = (tmp_path / "eqm_generated.py").read_text()
    assert fresh == (ROOT / "edgeq_host" / "export" / "eqm_generated.py").read_text(), "run flatc as this test does and commit its output"


def test_every_folder_of_tests_is_in_the_table_of_the_documentation() -> None:
    folders = {f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert folders - set(re.findall(r"tests/\w+", (ROOT / "docs" / "testing.md").read_text())) == set()

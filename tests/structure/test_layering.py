"""Who may import and include whom: the arrows of DESIGN.md, checked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeq_host.setup import payload

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "edgeq_runtime" / "csrc"
MAY_IMPORT = {
    "edgeq_runtime": set[str](),
    "edgeq_host": {"edgeq_runtime"},
    "examples": {"edgeq_host", "edgeq_runtime"},
    "bench": {"edgeq_host", "edgeq_runtime"},
}
PARTS = {*MAY_IMPORT, "tests", "boards", "firmware"}
# Folders whose modules do not know each other; names beginning with "_" and __init__ are shared.
SIBLINGS = ["quant/rules", "quant/calibrators", "transports"]
FORMATS = ["onnx", "tflite"]  # importers with a folder of rules
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
INTRINSICS = {"immintrin.h", "arm_neon.h", "arm_mve.h", "x86intrin.h"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_what_it_may(part: str) -> None:
    allowed = MAY_IMPORT[part] | {part}
    files = list((ROOT / part).rglob("*.py"))
    assert files
    bad = [f"{p.relative_to(ROOT)} imports {n}" for p in files for n in imports(p) if n.split(".")[0] in PARTS - allowed]
    assert not bad, bad


@pytest.mark.parametrize("folder", SIBLINGS)
def test_siblings_do_not_import_each_other(folder: str) -> None:
    place = ROOT / "edgeq_host" / folder
    package = "edgeq_host." + folder.replace("/", ".")
    modules = [p for p in place.glob("*.py") if not p.name.startswith("_")]
    assert modules, f"{place} holds no modules"
    names = {f"{package}.{p.stem}" for p in modules}
    bad = [f"{p.name} imports {n}" for p in modules for n in imports(p) if n in names and n != f"{package}.{p.stem}"]
    assert not bad, bad


@pytest.mark.parametrize("format_", FORMATS)
def test_an_importer_knows_no_other_format(format_: str) -> None:
    place = ROOT / "edgeq_host" / "importers"
    files = [*place.glob(f"{format_}*.py"), *(place / f"{format_}_ops").glob("*.py")]
    others = tuple(f"edgeq_host.importers.{other}" for other in FORMATS if other != format_)
    bad = [f"{p.name} imports {n}" for p in files for n in imports(p) if n.startswith(others)]
    assert files and not bad, bad


def test_the_device_side_needs_only_the_standard_library_and_perhaps_numpy() -> None:
    import sys

    allowed = set(sys.stdlib_module_names) | {"numpy", "edgeq_runtime"}
    files = [ROOT / "edgeq_runtime" / name for name in payload.MODULES]
    bad = [f"{p.name} imports {n}" for p in files for n in imports(p) if n.split(".")[0] not in allowed]
    assert not bad, bad


def test_what_is_checked_for_old_pythons_is_what_devices_get() -> None:
    row = re.search(r"^DEVICE_PYTHON := \$\(addprefix edgeq_runtime/,(.*?)\)", (ROOT / "Makefile").read_text(), re.M)
    assert row is not None and sorted(row[1].split()) == sorted(payload.MODULES)


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text())


def test_kernels_include_only_internal_headers_and_intrinsics() -> None:
    allowed = INTRINSICS | {"eq_internal.h", "eq_kernels.h", "eq_round.h", "eq_signs.h", "string.h", "stdint.h", "stddef.h"}
    files = list((CSRC / "kernels").glob("*.c"))
    bad = [
        f"{p.name} includes {i}"
        for p in files
        for i in includes(p)
        if i.split("/")[-1] not in allowed and not (CSRC / "kernels" / i).exists()
    ]
    assert files and not bad, bad


def test_operators_use_no_intrinsics_and_do_not_know_the_file() -> None:
    forbidden = INTRINSICS | {"eq_flatbuffer.h", "eq_file.h", "eq_model.h"}
    files = list((CSRC / "ops").glob("*.[ch]"))
    bad = [f"{p.name} includes {i}" for p in files for i in includes(p) if i.split("/")[-1] in forbidden or "agent/" in i]
    assert files and not bad, bad


def test_the_core_knows_neither_agent_nor_firmware() -> None:
    files = [p for p in CSRC.rglob("*.[ch]") if "agent" not in p.parts and "fuzz" not in p.parts]
    bad = [f"{p.name} includes {i}" for p in files for i in includes(p) if "agent/" in i or "firmware" in i or "eq_port" in i]
    assert not bad, bad


def test_csrc_includes_nothing_of_firmware_and_ports_do_not_include_each_other() -> None:
    bad = [f"{p.name} includes {i}" for p in CSRC.rglob("*.[ch]") for i in includes(p) if "firmware" in i or "ports/posix" in i]
    for port in (ROOT / "firmware" / "ports").iterdir():
        others = {p.name for p in (ROOT / "firmware" / "ports").iterdir()} - {port.name}
        bad += [f"{p.name} includes {i}" for p in port.rglob("*.[ch]") for i in includes(p) if set(i.split("/")) & others]
    assert not bad, bad

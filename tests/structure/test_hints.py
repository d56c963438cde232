"""Every error says what to do."""

from __future__ import annotations

import ast
from pathlib import Path

from edgeq_host import errors

ROOT = Path(__file__).parents[2]
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.EdgeqError)}


def _without_hint(module: Path) -> list[int]:
    calls = [n for n in ast.walk(ast.parse(module.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    return [c.lineno for c in calls if isinstance(c.func, ast.Name) and c.func.id in KINDS and len(c.args) + len(c.keywords) < 2]


def test_every_error_has_a_hint() -> None:
    found = {path.name: lines for path in sorted((ROOT / "edgeq_host").rglob("*.py")) if (lines := _without_hint(path))}
    assert found == {}

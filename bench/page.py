"""docs/benchmarks.md: each part of it is written by one command and leaves the others as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = "# Benchmarks\n\nEvery table is written by the command above it; nothing here is typed by hand.\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def write(part: str, text: str) -> None:
    """Replace the part of the page between its two marks, or add it at the end."""
    begin, end = f"<!-- begin {part} -->", f"<!-- end {part} -->"
    body = f"{begin}\n{text.strip()}\n{end}"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else _HEAD
    before, found, rest = page.partition(begin)
    page = before + body + rest.partition(end)[2] if found else f"{page.rstrip()}\n\n{body}\n"
    PAGE.write_text(page, encoding="utf-8")

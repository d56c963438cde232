"""How far a long piece of work is, for a bar on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
Report = Callable[[int, int], None]  # (done, of), in samples


class Progress:
    """Counts items as they pass; without `report` it only hands them on."""

    def __init__(self, report: Report | None, total: int) -> None:
        self.report, self.done, self.total = report, 0, total

    def over(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            yield item
            self.to(self.done + 1)

    def more(self, count: int) -> None:
        """Further items will pass."""
        self.total += count

    def to(self, done: int) -> None:
        self.done = done
        if self.report is not None and self.total:
            self.report(done, self.total)

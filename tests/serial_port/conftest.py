"""The agent of the posix port behind a line for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeq_host.targets import Target
from edgeq_runtime import build
from tests.serial_port.line import Line

Chip = Callable[..., "Wired"]


@dataclass(frozen=True)
class Wired:
    """A chip on a line. target: by the path of its port."""

    line: Line
    target: Target
    folder: Path

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / f"{name}.eqm"
        path.write_bytes(data)
        return path


@pytest.fixture(scope="session")
def posix() -> Path:
    return build.build("posix", build.config_for("posix", None, False))


@pytest.fixture
def chip(posix: Path, tmp_path: Path) -> Iterator[Chip]:
    """Makes a chip with an empty store; options: those of Line, and `query` behind the address."""
    with ExitStack() as stack:

        def make(query: str = "", **options: object) -> Wired:
            port, environment = tmp_path / "port", {**os.environ, "EDGEQ_STORE": str(tmp_path / "flash")}
            line = stack.enter_context(Line(posix, port, environment, **options))  # type: ignore[arg-type]
            return Wired(line, Target("chip", f"serial:{port}{query}"), tmp_path)

        yield make

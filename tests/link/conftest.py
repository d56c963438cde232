"""The program of tests/link/modelled.py, and a line to a chip of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from edgeq_host import device
from edgeq_host.link import Link
from edgeq_host.targets import Target
from tests.link import modelled

Connect = Callable[[modelled.Line], Target]


@pytest.fixture(scope="session")
def modelled_port(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modelled.program(tmp_path_factory.mktemp("modelled"))


@pytest.fixture
def chips(modelled_port: Path, tmp_path: Path) -> Iterator[Callable[[str], modelled.Chip]]:
    """A chip by the name of its store; all are switched off at the end."""
    made: list[modelled.Chip] = []

    def chip(name: str = "store") -> modelled.Chip:
        made.append(modelled.Chip(modelled_port, tmp_path / name, "stm32l4r5zi"))
        return made[-1]

    yield chip
    for one in made:
        one.power_off()


@pytest.fixture
def at_the_end_of(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """The target that is the device at the other end of a line; its time is that of the line."""

    def target(line: modelled.Line) -> Target:
        monkeypatch.setattr(device, "open_transport", lambda address, options: line)
        monkeypatch.setattr(device, "Link", partial(Link, clock=line.clock))
        return Target("the chip", "modelled:line")

    return target

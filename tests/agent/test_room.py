"""What a plan says of the room in a store comes true: whole blocks, files and folders, to the last one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host.errors import BoardError
from edgeq_host.installed import Installed, Version
from edgeq_host.plan import plan
from edgeq_host.probe import Place
from edgeq_host.room import Room, needed, of_agent
from tests.agent.conftest import Local, packed

PAGE = os.sysconf("SC_PAGESIZE")
DISK = Place("/home/pi/.local/share/edgeq/local", 10**9, 10**8, "ext4", "rw", True, 4096, 100, 2, "none")
MEMORY = replace(DISK, type="tmpfs", missing=0, lock="free")
INSTALLED = Installed("kws", Version(1, 5000, "ab"), None)
Mount = Callable[[str], Local]


@pytest.mark.parametrize(
    ("store", "model", "size", "send", "counted", "room"),
    [
        (DISK, None, 5000, 5000, False, Room(6 * 4096, 6)),  # two blocks, three folders, the record; the lock
        (MEMORY, None, 5000, 5000, False, Room(3 * 4096, 3)),
        (MEMORY, INSTALLED, 4096, 4096, False, Room(2 * 4096, 2)),
        (MEMORY, INSTALLED, 5000, 900, False, Room(2 * 4096, 1)),  # one block of an upload that goes on
        (MEMORY, INSTALLED, 5000, 5000, True, Room(4 * 4096, 3)),
        (MEMORY, replace(INSTALLED, counter=4), 5000, 5000, True, Room(3 * 4096, 2)),
        (None, INSTALLED, 5000, 5000, False, Room(5001, 2)),
    ],
)
def test_what_an_install_takes(store: Place | None, model: Installed | None, size: int, send: int, counted: bool, room: Room) -> None:
    assert needed(store, model, size, send, counted) == room


def test_an_agent_takes_of_the_disk_where_it_goes_to_the_same_one() -> None:
    assert of_agent(400_000, DISK, "/home/pi") == 400_000
    assert of_agent(400_000, DISK, "/home/p") == of_agent(400_000, DISK, "") == of_agent(400_000, None, "/home/pi") == 0
    assert of_agent(400_000, replace(DISK, free_bytes=400_000), "/home/pi") == 0  # no room there: it goes elsewhere


@pytest.fixture
def mount(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mount]:
    """The device with its store on a small file system, in place of the one before."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted: list[int] = []

    def there(options: str) -> Local:
        away()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True)
        if done.returncode:
            pytest.skip("file systems may not be mounted here")
        mounted.append(1)
        monkeypatch.setenv("EDGEQ_STORE", str(folder / "store"))
        return local

    def away() -> None:
        while mounted:
            subprocess.run(["umount", "-l", folder], check=True)
            mounted.pop()

    yield there
    away()


def ends(local: Local, file: Path) -> int:
    """The code that plan says, which has to be the one that deploy then has."""
    said = [risk.code for risk in plan(local.target, file, "kws").risks if risk.code]
    try:
        d.deploy(local.target, file, "kws")
    except BoardError as error:
        assert said == [error.code] and "full" in error.message
        return error.code
    assert said == []
    return 0


@pytest.mark.parametrize("options", ["size={}k", "size=1m,nr_inodes={}"])
def test_a_plan_is_right_to_the_last_block_and_the_last_file(options: str, mount: Mount, local: Local) -> None:
    first, second = local.file("first", packed(1)), local.file("second", packed(2))
    pages = -(-first.stat().st_size // PAGE)
    amounts = [n * PAGE // 1024 for n in range(pages, 2 * pages + 4)] if "k" in options else range(3, 12)
    seen = []
    for amount in amounts:
        there = mount(options.format(amount))
        seen.append(ends(there, first) or ends(there, second))
    assert seen == sorted(seen, reverse=True) and {*seen} == {0, 3}  # from some amount on there is room

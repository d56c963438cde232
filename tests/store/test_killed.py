"""The agent that ships, as a process on a real disk: killed before each of its operations, on a full and on a read-only file system."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.conftest import packed
from tests.store.binding import Refused, Store, on_files
from tests.store.test_files import Traced, make_traced

OLDER, OLD, NEW, BIG = packed(0), packed(1), packed(2), packed(3, size=16384)
CHANGES = {
    "install": (("install", "new.eqm", "kws"), (NEW, OLD, OLDER)),
    "install with fewer kept": (("install", "new.eqm", "kws", "--keep", "1"), (NEW,)),
    "rollback": (("rollback", "kws"), (OLDER, OLD)),
    "rollback to a version": (("rollback", "kws@1"), (OLDER, OLD)),
    "remove": (("remove", "kws"), None),
    "remove a version": (("remove", "kws@1"), (OLD,)),
}


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    for name, data in (("older", OLDER), ("old", OLD), ("new", NEW), ("big", BIG)):
        (tmp_path / f"{name}.eqm").write_bytes(data)
    return make_traced(tmp_path)


def agent(traced: Traced, root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [traced.agent, "--root", root, *words]
    return subprocess.run(command, env={**os.environ, **environment}, cwd=traced.below.parent, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", CHANGES)
def test_an_agent_killed_before_any_of_its_operations_leaves_old_or_new_and_a_retry_completes(
    traced: Traced, name: str, record_property: Callable[[str, object], None]
) -> None:
    words, new = CHANGES[name]
    kills = 0
    for number in range(1, 100):
        root = traced.below / str(number)
        agent(traced, root, "install", "older.eqm", "kws", "--keep", "3")
        agent(traced, root, "install", "old.eqm", "kws")
        done = agent(traced, root, *words, LD_PRELOAD=str(traced.shim), TRACE_BELOW=str(root), TRACE_FILE="trace", TRACE_KILL=str(number))
        store = on_files(str(root))
        assert store.versions("kws") in ((OLD, OLDER), new), number
        log = store.log()
        assert log[:2] == [(1, "installed", "kws", 1, ""), (2, "installed", "kws", 2, "")], number
        assert agent(traced, root, "install", "new.eqm", "kws").returncode == 0 and store.open("kws") == NEW
        assert not [rest for rest in os.listdir(root / "kws") if rest.startswith(("part-", "state.new", "counter.new"))], number
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        kills += 1
    else:
        raise AssertionError("it was killed every time")
    assert kills >= 5
    record_property("states tried", f"killed, {name}: before each of {kills} operations")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 256 KiB."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a file system (run as root): {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def _filled(folder: Path, leave: int) -> None:
    """All but `leave` bytes are taken."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "filler").write_bytes(bytes(max(0, free - leave)))


def _on(folder: Path) -> Store:
    return on_files(str(folder / "store"))


@pytest.mark.parametrize("leave", [0, 4096, 8192, 12288, 16384, 24576, 65536])
def test_a_full_file_system_keeps_the_old_version_and_gives_the_room_back(traced: Traced, mounted: Path, leave: int) -> None:
    root = mounted / "store"
    assert agent(traced, root, "install", "old.eqm", "kws").returncode == 0
    _filled(mounted, leave)
    done = agent(traced, root, "install", "big.eqm", "kws")
    assert done.returncode == 3 and "the store is full" in done.stderr
    small = agent(traced, root, "install", "new.eqm", "kws")
    assert (small.returncode, _on(mounted).open("kws")) in ((0, NEW), (3, OLD))
    assert not [name for name in os.listdir(root / "kws") if name.startswith("part-")]
    (mounted / "filler").unlink()
    assert agent(traced, root, "install", "new.eqm", "kws").returncode == 0 and _on(mounted).open("kws") == NEW


def test_a_full_file_system_does_not_keep_a_removal_or_a_status_from_working(traced: Traced, mounted: Path) -> None:
    root = mounted / "store"
    for file in ("older.eqm", "old.eqm"):
        assert agent(traced, root, "install", file, "kws").returncode == 0
    _filled(mounted, 0)
    assert agent(traced, root, "status").returncode == 0
    assert agent(traced, root, "rollback", "kws").returncode in (0, 3) and _on(mounted).versions("kws") in ((OLD, OLDER), (OLDER, OLD))
    assert agent(traced, root, "remove", "kws").returncode == 0 and _on(mounted).names() == []


def test_a_read_only_file_system_is_refused_and_read(traced: Traced, mounted: Path) -> None:
    root = mounted / "store"
    for file in ("older.eqm", "old.eqm"):
        assert agent(traced, root, "install", file, "kws").returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    for words in (("install", "new.eqm", "kws"), ("rollback", "kws"), ("remove", "kws"), ("remove", "kws@1")):
        done = agent(traced, root, *words)
        assert done.returncode == 3 and "mounted read-only" in done.stderr, words
    for words in (("status",), ("log",), ("selftest", "kws")):
        assert agent(traced, root, *words).returncode == 0, words
    with pytest.raises(Refused, match="read_only"):
        _on(mounted).deploy("kws", NEW)
    assert _on(mounted).versions("kws") == (OLD, OLDER)

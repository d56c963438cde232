"""What a probe says of the store: whether somebody changes it, and what of its path is missing."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from edgeq_host.probe import probe
from tests.agent import machines
from tests.agent.conftest import Local
from tests.agent.test_probe import Tree
from tests.agent.test_probe import program as program
from tests.agent.test_probe import tree as tree

LOCK = (
    "1: POSIX  ADVISORY  WRITE 7 b3:02:{0} 0 EOF\n2: FLOCK  ADVISORY  WRITE 8 {1}:{0} 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 9 {1}:{0} 0 EOF\n"
)


@pytest.mark.parametrize(("device", "said"), [("b3:02", "held"), ("b3:03", "free"), ("00:17", "free")])
def test_a_lock_is_seen_where_the_kernel_lists_it_for_this_very_file(device: str, said: str, tree: Tree, tmp_path: Path) -> None:
    machines.pi4(tmp_path / "root")
    store = tmp_path / "root/home/pi/store"
    store.mkdir(parents=True)
    assert dict(tree())["store.lock"] == b"none"
    (store / ".lock").touch()
    assert "store.lock" not in dict(tree())  # a kernel that lists no locks
    (tmp_path / "root/proc/locks").write_text(LOCK.format((store / ".lock").stat().st_ino, device))
    assert dict(tree())["store.lock"] == said.encode()


def test_the_lock_of_a_store_here_is_seen(local: Local) -> None:
    local.store.mkdir()
    assert (found := probe(local.target).store) is not None and found.lock == "none" and found.missing == 0
    with open(local.store / ".lock", "w", encoding="ascii") as lock:
        for how, said in ((fcntl.LOCK_EX, "held"), (fcntl.LOCK_UN, "free")):
            fcntl.flock(lock, how)
            assert (found := probe(local.target).store) is not None and found.lock == said


def test_folders_that_a_store_lacks_are_counted_up_to_the_root(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_STORE", "/edgeq-no-such-folder/a/b/")
    assert (found := probe(local.target).store) is not None and (found.missing, found.lock) == (3, "none")

"""The agent on a real disk makes the calls, and the syncs, that the power cut is tested on: what the store asks for reaches the kernel."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeq_runtime import build
from tests.agent.conftest import packed
from tests.store.disk import Disk, File

SHIM = Path(__file__).parent / "trace_files.c"
Line = tuple[str, ...]


@dataclass(frozen=True)
class Traced:
    """The agent that ships, each of its calls on files below `below` written down. root: of the store, not made yet."""

    agent: Path
    shim: Path
    below: Path

    @property
    def root(self) -> Path:
        return self.below / "deep" / "store"

    def run(self, *words: object) -> list[Line]:
        trace = self.below.parent / "trace"
        trace.unlink(missing_ok=True)
        environment = {**os.environ, "LD_PRELOAD": str(self.shim), "TRACE_BELOW": str(self.below), "TRACE_FILE": str(trace)}
        subprocess.run([self.agent, "--root", self.root, *map(str, words)], env=environment, check=True, capture_output=True, timeout=60)
        lines = [tuple(line.split("\t")) for line in trace.read_text().splitlines()]
        return _sorted_removals([line for line in lines if not line[1].endswith("/.lock")])


def make_traced(tmp_path: Path) -> Traced:
    shim, below = tmp_path / "trace_files.so", tmp_path / "disk"
    below.mkdir()
    command = [build.default_cc(), "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", str(SHIM), "-o", str(shim), "-ldl"]
    subprocess.run(command, check=True)
    return Traced(build.build("agent", build.config_for("agent", None, False)), shim, below)


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    return make_traced(tmp_path)


def _sorted_removals(lines: list[Line]) -> list[Line]:
    """Folders are listed in any order: removals that follow each other are sorted."""
    out: list[Line] = []
    for line in lines:
        at = len(out)
        while line[0] == "unlink" and at and out[at - 1][0] == "unlink" and out[at - 1] > line:
            at -= 1
        out.insert(at, line)
    return out


def _recorded(disk: Disk, root: Path) -> list[Line]:
    """What the disk of the power cut recorded since the last look, as the shim writes it."""
    lines: list[Line] = []
    for step in disk.steps[disk.seen :]:
        path = str(root / step.path) if step.path else str(root)
        if step.kind == "create":
            disk.paths[step.file] = path
        at = disk.paths[step.file] if step.file else path
        more = str(root / step.to) if step.to else str(len(step.data)) if step.kind == "write" else ""
        lines.append(("fsync" if step.kind == "fsync_dir" else step.kind, at, more))
    disk.seen = len(disk.steps)
    return _sorted_removals(lines)


class WatchedDisk(Disk):
    """seen: steps that were looked at. paths: where a file was made."""

    seen = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.paths: dict[File, str] = {}


def test_every_change_syncs_on_a_real_disk_what_the_power_cut_needs(traced: Traced) -> None:
    disk, root = WatchedDisk(), traced.root
    # What the table has no word for: the root and its parent are made, each synced into the folder above.
    made = [line for folder in (root.parent, root) for line in (("mkdir", str(folder), ""), ("fsync", str(folder.parent), ""))]
    for number in range(3):
        data = packed(number)
        file = traced.below.parent / f"{number}.eqm"
        file.write_bytes(data)
        assert disk.store.deploy("kws", data, step=len(data)) == number + 1
        assert traced.run("install", file, "kws") == [*made, *_recorded(disk, root)]
        made = []
    disk.store.rollback("kws")
    assert traced.run("rollback", "kws") == _recorded(disk, root)
    disk.store.keep("kws", 3)
    assert traced.run("install", traced.below.parent / "1.eqm", "kws", "--keep", 3) == _recorded(disk, root)
    data = packed(3)
    (traced.below.parent / "3.eqm").write_bytes(data)
    disk.store.deploy("kws", data, step=len(data))
    assert traced.run("install", traced.below.parent / "3.eqm", "kws") == _recorded(disk, root)
    disk.store.rollback("kws", version=3)
    assert traced.run("rollback", "kws@3") == _recorded(disk, root)
    disk.store.remove("kws", version=2)
    assert traced.run("remove", "kws@2") == _recorded(disk, root)
    disk.store.remove("kws")
    assert traced.run("remove", "kws") == _recorded(disk, root)
    assert sorted(os.listdir(root)) == [".lock", ".log"]

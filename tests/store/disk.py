"""A disk in memory that records every operation, and the disks that a power cut may leave behind."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.store.binding import FAULT, OPERATIONS, Ops, Store

Tree = dict[str, "File | Tree"]
MAX_PENDING = 6  # changes of folders whose every subset is tried; of more, only all, none and each alone


@dataclass(eq=False)
class File:
    """data: as programs see it. synced: what a power cut cannot take away."""

    data: bytes = b""
    synced: bytes = b""


@dataclass(frozen=True)
class Step:
    """One recorded operation. kind: create, mkdir, rename, unlink, rmdir (changes of a folder), write, fsync, fsync_dir, done."""

    kind: str
    path: str = ""
    to: str = ""
    file: File | None = None
    data: bytes = b""


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def _apply(root: Tree, step: Step) -> None:
    """A change of a folder, where it is possible: an earlier one that was lost may have taken its ground away."""

    def folder_of(path: str) -> Tree | None:
        name = _split(path)[0]
        found = root.get(name) if name else root
        return found if isinstance(found, dict) else None

    folder, name = folder_of(step.path), _split(step.path)[1]
    if folder is None:
        return
    if step.kind == "mkdir":
        folder.setdefault(name, {})
    elif step.kind == "create" and step.file is not None:
        folder[name] = step.file
    elif step.kind in ("unlink", "rmdir"):
        folder.pop(name, None)
    elif step.kind == "rename" and name in folder:
        folder[_split(step.to)[1]] = folder.pop(name)


@dataclass
class Disk:
    """The table of operations for the store. skip: the number of one fsync or fsync_dir that is as if it were not in the source."""

    tree: Tree = field(default_factory=dict)
    skip: int = -1
    room: int = 1 << 30
    fails: Callable[[Disk], bool] = lambda disk: False  # asked before each changing operation, which then gives `failure`
    failure: str = "io"
    lock: str = ""  # the fault of every lock from now on

    def __post_init__(self) -> None:
        self.steps: list[Step] = []
        self.syncs = self.changes = 0
        self.locked = False
        self.at = ""  # what the operation is about that may fail
        self._handles: list[tuple[str, File]] = []
        self._kept: list[Any] = []
        table = {name: kind(self._guard(getattr(self, f"_{name}"))) for name, kind in OPERATIONS.items()}
        self._kept.append(table)
        self.store = Store(Ops(None, *table.values()))
        self.store.disk = self  # type: ignore[attr-defined]

    @staticmethod
    def _guard(function: Any) -> Any:
        def call(_: Any, *arguments: Any) -> Any:
            return function(*(a.decode() if isinstance(a, bytes) else a for a in arguments))

        return call

    def _find(self, path: str) -> Any:
        node: Any = self.tree
        for part in filter(None, path.split("/")):
            node = node.get(part) if isinstance(node, dict) else None
        return node

    def _fails(self, path: str) -> int:
        self.at = path
        self.changes += 1
        return FAULT[self.failure] if self.fails(self) else 0

    def _record(self, step: Step) -> None:
        self.steps.append(step)
        _apply(self.tree, step)

    def _open(self, path: str) -> int:
        if err := self._fails(path):
            return -err
        if self._find(path) is None:
            if self._find(_split(path)[0]) is None:
                return -FAULT["missing"]
            self._record(Step("create", path, file=File()))
        handle = len(self._handles)
        self._handles.append((path, self._find(path)))
        return handle

    def _write(self, handle: int, address: int, size: int) -> int:
        data = ctypes.string_at(address, size)
        path, file = self._handles[handle]
        if err := self._fails(path):
            return err
        if len(data) > self.room:
            return FAULT["full"]
        self.room -= len(data)
        self._record(Step("write", file=file, data=data))
        file.data += data
        return 0

    def _fsync(self, handle: int) -> int:
        path, file = self._handles[handle]
        return self._sync(path, Step("fsync", file=file))

    def _fsync_dir(self, path: str) -> int:
        return self._sync(path, Step("fsync_dir", path))

    def _sync(self, path: str, step: Step) -> int:
        if err := self._fails(path):
            return err
        if self.syncs != self.skip:
            self._record(step)
        self.syncs += 1
        return 0

    def _close(self, handle: int) -> int:
        return 0

    def _change(self, kind: str, path: str, to: str = "") -> int:
        if err := self._fails(path):
            return err
        if kind != "mkdir" and self._find(path) is None:
            return FAULT["missing"]
        if kind == "rmdir" and self._find(path):
            return FAULT["io"]
        if kind != "mkdir" or self._find(path) is None:
            self._record(Step(kind, path, to))
        return 0

    def _rename(self, path: str, to: str) -> int:
        return self._change("rename", path, to)

    def _unlink(self, path: str) -> int:
        return self._change("unlink", path)

    def _mkdir(self, path: str) -> int:
        return self._change("mkdir", path)

    def _rmdir(self, path: str) -> int:
        return self._change("rmdir", path)

    def _list(self, path: str, index: int, name: Any, room: int) -> int:
        folder = self._find(path)
        names = sorted(folder) if isinstance(folder, dict) else []
        if index >= len(names):
            return FAULT["missing"]
        raw = names[index].encode() + b"\0"
        ctypes.memmove(name, raw, len(raw))
        return 0

    def _map(self, path: str, data: Any, size: Any) -> int:
        file = self._find(path)
        if not isinstance(file, File):
            return FAULT["missing"]
        memory = ctypes.create_string_buffer(file.data, max(len(file.data), 1))
        self._kept.append(memory)
        data[0], size[0] = ctypes.addressof(memory), len(file.data)
        return 0

    def _unmap(self, address: int, size: int) -> None:
        del self._kept[1:]

    def _lock(self) -> int:
        if self.lock:
            return FAULT[self.lock]
        if self.locked:
            return FAULT["busy"]
        self.locked = True
        return 0

    def _unlock(self) -> None:
        self.locked = False

    def _free_bytes(self) -> int:
        return self.room

    def _time_ms(self) -> int:
        return 1_700_000_000_000 + len(self.steps)


def snapshot(tree: Tree) -> Tree:
    """The disk as it lies, everything durable: what a test starts from."""
    return {name: snapshot(node) if isinstance(node, dict) else File(node.data, node.data) for name, node in tree.items()}


def durable(tree: Tree) -> Tree:
    """The disk of a snapshot as it was then, though a change has run on its files since."""
    return {name: durable(node) if isinstance(node, dict) else File(node.synced, node.synced) for name, node in tree.items()}


def _contents(tree: Tree, kept: dict[File, bytes]) -> Tree:
    out: Tree = {}
    for name, node in tree.items():
        if isinstance(node, dict):
            out[name] = _contents(node, kept)
        else:
            data = kept.get(node, node.synced)  # not written to yet: as it was before
            out[name] = File(data, data)
    return out


def _outcomes(data: bytes, synced: bytes) -> list[bytes]:
    """What may be found of a file: all that was written, what was synced, a part, or the length alone."""
    rest = data[len(synced) :]
    return [data, synced, synced + rest[: len(rest) // 2], synced + bytes(len(rest))] if rest else [data]


def after_power_cut(start: Tree, steps: list[Step]) -> Iterator[Tree]:
    """Every disk that may be found after `steps`: changes of a folder without a later sync of it may be lost one by one, and bytes without
    a later fsync of their file may be there, not at all, in part or as zeros."""
    files: dict[File, tuple[bytes, bytes]] = {}
    for step in steps:
        if step.file is None or step.kind == "create":
            continue
        data, synced = files.get(step.file, (b"", b""))
        files[step.file] = (data + step.data, synced) if step.kind == "write" else (data, data)
    created = {step.file for step in steps if step.kind == "create"}
    for file in [f for f in files if f not in created]:  # it was there before: its old bytes are durable
        data, synced = files[file]
        files[file] = (file.synced + data, file.synced + synced)
    changes = [(i, s) for i, s in enumerate(steps) if s.kind in ("create", "mkdir", "rename", "unlink", "rmdir")]
    synced_at = {s.path: i for i, s in enumerate(steps) if s.kind == "fsync_dir"}
    pending = [i for i, s in changes if synced_at.get(_split(s.path)[0], -1) < i]
    if len(pending) <= MAX_PENDING:
        lost_sets = [set(c) for n in range(len(pending) + 1) for c in itertools.combinations(pending, n)]
    else:
        lost_sets = [set(), set(pending), *({i} for i in pending)]
    found = {file: _outcomes(*files.get(file, (b"", b""))) for file in {*files, *created} if file is not None}
    for lost in lost_sets:
        tree = shallow(start)
        for i, step in changes:
            if i not in lost:
                _apply(tree, step)
        for kept in itertools.product(*found.values()):
            yield _contents(tree, dict(zip(found, kept, strict=True)))


def shallow(tree: Tree) -> Tree:
    """Folders of its own, the same files."""
    return {name: shallow(node) if isinstance(node, dict) else node for name, node in tree.items()}

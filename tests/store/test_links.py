"""Nothing in the store's folder, and no name, leads the store out of it or keeps it waiting."""

from __future__ import annotations

import ctypes
import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.binding import Refused, Store, on_files
from tests.store.disk import Disk

A, B = (random.Random(seed).randbytes(3000) for seed in range(2))
NAMES = [b"", b".", b"..", b"../x", b"../../x", b"/etc", b"a/b", b"a/../../x", b"a/", b".lock", b".log", b"-x", b"a b", b"a\n", b"\xff\xfe"]
NAMES += [b"a\x1b[2J", "ä".encode(), b"a" * 64, b"a" * 255, b"a" * 5000, b"kws@1", b"%n%n", b"a;rm", b"a\\b"]


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is nobody's business, beside the store; it looks like a model."""
    other = on_files(str(tmp_path / "outside"))
    other.deploy("kws", B)
    return tmp_path / "outside/kws"


@pytest.fixture
def root(store: Store, tmp_path: Path) -> Path:
    store.deploy("kws", A)
    return tmp_path / "deep/store"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_changes_and_reads_nothing(root: Path, store: Store, tmp_path: Path, name: bytes) -> None:
    for bait in ("x", "deep/x"):
        (tmp_path / bait).mkdir()
        (tmp_path / bait / "part-1").write_bytes(b"bait")
    before = tree(tmp_path)
    text = name.decode("latin-1")
    calls: list[Callable[[], object]] = [lambda: store.deploy(text, A), lambda: store.rollback(text), lambda: store.remove(text)]
    calls += [lambda: store.remove(text, version=1), lambda: store.keep(text, 1), lambda: store.open(text), lambda: store.read(text)]
    for call in calls:
        with pytest.raises(Refused, match="name"):
            call()
    assert tree(tmp_path) == before and store.unfinished(text) == 0


def test_a_link_in_place_of_a_model_is_refused_and_what_it_leads_to_stays(root: Path, store: Store, outside: Path) -> None:
    (root / "vww").symlink_to(outside)
    before = tree(outside)
    for call in (lambda: store.deploy("vww", A), lambda: store.rollback("vww"), lambda: store.open("vww"), lambda: store.remove("vww")):
        with pytest.raises(Refused, match="foreign"):
            call()
    store.deploy("kws", B)  # which removes rests from every model
    assert tree(outside) == before and (root / "vww").is_symlink()


@pytest.mark.parametrize("name", ["state", "v1.eqm"])
@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "dangling"])
def test_what_is_no_plain_file_is_not_read_and_does_not_keep_waiting(root: Path, store: Store, outside: Path, name: str, kind: str) -> None:
    path, before = root / "kws" / name, tree(outside)
    path.unlink()
    if kind == "link":
        path.symlink_to(outside / name)
    elif kind == "dangling":
        path.symlink_to(outside / "nothing")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(Refused, match="foreign"):
        store.open("kws")
    assert tree(outside) == before


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
@pytest.mark.parametrize("name", ["state.new", "part", "v2.eqm", ".lock"])
def test_what_lies_in_the_way_of_a_deploy_is_replaced_or_refused_never_followed(
    root: Path, store: Store, outside: Path, name: str, kind: str
) -> None:
    file = f"part-{hashlib.sha256(B).hexdigest()[:32]}" if name == "part" else name
    path, bait, before = root / (file if name == ".lock" else f"kws/{file}"), outside / "bait", tree(outside)
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to(bait)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    try:
        store.deploy("kws", B)
        assert store.open("kws") == B
    except Refused as refused:
        assert str(refused) in ("foreign", "io", "denied")
        assert store.open("kws") == A
    assert tree(outside) == before


def test_the_root_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    store = on_files(str(tmp_path / "link"))
    assert store.open("kws") == A and store.deploy("kws", B) == 2
    assert on_files(str(root)).open("kws") == B


def test_a_root_that_is_a_link_to_nothing_or_to_itself_is_no_store(tmp_path: Path) -> None:
    for name, to in (("nothing", tmp_path / "nowhere"), ("loop", tmp_path / "loop"), ("file", tmp_path / "a file")):
        (tmp_path / "a file").write_bytes(b"")
        (tmp_path / name).symlink_to(to)
        with pytest.raises(Refused, match=r"no_store|missing"):
            on_files(str(tmp_path / name)).deploy("kws", A)
    assert not (tmp_path / "nowhere").exists()


def test_a_plain_file_with_a_models_name_is_passed_over_and_not_replaced(root: Path, store: Store) -> None:
    (root / "notes.txt").write_bytes(b"mine")
    assert store.names() == ["kws"]
    with pytest.raises(Refused, match="foreign"):
        store.deploy("notes.txt", A)
    assert (root / "notes.txt").read_bytes() == b"mine"


def test_entries_with_odd_or_very_long_names_are_passed_over(root: Path, store: Store) -> None:
    odd = [b"\xff\xfe", b"a\nb", b"b" * 255, b"\x1b[2J"]
    for name in odd:
        os.mkdir(os.path.join(os.fsencode(root), name))
        open(os.path.join(os.fsencode(root), b"kws", name), "wb").close()
    assert store.names() == ["kws"] and store.deploy("kws", B) == 2
    assert set(odd) <= set(os.listdir(os.fsencode(root))) and set(odd) <= set(os.listdir(os.fsencode(root / "kws")))


@pytest.mark.parametrize("path", [b"../outside/kws", b"..", b"../x", b"kws/../../outside/x", b"kws/a/b", b".hidden/x", b"a" * 100 + b"/x"])
def test_the_table_itself_opens_nothing_outside(root: Path, store: Store, outside: Path, tmp_path: Path, path: bytes) -> None:
    """What the store asks for is checked before; this is the last gate."""
    before = tree(tmp_path)
    operations, name = store.ops, ctypes.create_string_buffer(64)
    context = operations.context
    results = [
        operations.open(context, path),
        operations.unlink(context, path),
        operations.rmdir(context, path),
        operations.mkdir(context, path),
        operations.rename(context, b"kws/v1.eqm", path),
        operations.rename(context, path, b"kws/x"),
        operations.fsync_dir(context, path),
        operations.list(context, path, 0, name, 64),
    ]
    assert all(result != 0 for result in results) and results[0] < 0 and tree(tmp_path) == before


def test_an_unfinished_upload_is_not_looked_for_under_a_name_that_is_none() -> None:
    listed: list[str] = []

    class Watched(Disk):
        def _list(self, path: str, index: int, name: object, room: int) -> int:
            listed.append(path)
            return super()._list(path, index, name, room)

    disk = Watched()
    assert disk.store.unfinished("../x") == 0 and listed == []
    assert disk.store.unfinished("x") == 0 and listed == ["x"]

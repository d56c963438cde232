"""Damaged and hostile .npz and .npy files: read as they are or refused with what to do, never unpickled, in bounded memory."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq_host import npy
from edgeq_host.arrays import read_inputs
from edgeq_host.data import open_data
from edgeq_host.errors import EdgeqError, ModelError
from edgeq_host.graph import Array, Edge
from edgeq_host.recipe import Recipe
from tests.importers.mutate import mutate

MIB = 1 << 20
X = np.arange(5 * 3 * 4, dtype=np.float32).reshape(5, 3, 4)
Y = np.array([0, 1, 2, 1, 0])
METHODS = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}


def npy_bytes(array: Array) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npz_bytes(method: int = zipfile.ZIP_STORED, **entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in entries.items():
            archive.writestr(f"{name}.npy", body)
    return out.getvalue()


def numpy_file(save: Callable[..., None], order: Any = "C") -> bytes:
    out = io.BytesIO()
    save(out, x=np.asarray(X, order=order), y=Y)
    return out.getvalue()


FILES = {
    "stored": numpy_file(np.savez),
    "deflated": numpy_file(np.savez_compressed),
    "column-major": numpy_file(np.savez_compressed, "F"),
}


EDGE = Edge("in", "in", (1, 3, 4), (0, 1, 2), "f32")


def samples(path: Path) -> list[tuple[Array, int]]:
    return [(s.inputs[0], int(s.label)) for s in open_data(path, [EDGE], Recipe(), labels=True)]


def rows(path: Path) -> list[Array]:
    return [s.inputs[0] for s in open_data(path, [EDGE], Recipe())]


def single(path: Path) -> list[Array]:
    return read_inputs([path], [EDGE], Recipe)


def refusal(read: Callable[[Path], list[Any]], path: Path, data: bytes) -> str:
    """The message where the file is refused, "" where it is read; any other exception fails the test."""
    path.write_bytes(data)
    try:
        read(path)
    except EdgeqError as error:
        assert error.hint and error.code in (2, 3) and 0 < len(error.message) < 600, error
        assert str(path) in error.message or "input in" in error.message, error
        return error.message
    return ""


def changed(data: bytes) -> list[bytes]:
    return [data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :] for at in range(len(data)) for bits in (0xFF, 0x55, 0x01)]


@pytest.mark.parametrize("kind", FILES)
def test_a_changed_byte_anywhere_in_an_npz_is_refused_or_changes_no_value(kind: str, tmp_path: Path) -> None:
    outcomes: Counter[bool] = Counter()
    for data in changed(FILES[kind]):
        read = not refusal(samples, tmp_path / "d.npz", data)
        outcomes[read] += 1
        if read:
            found = samples(tmp_path / "d.npz")
            assert np.array_equal(np.concatenate([x for x, _ in found]), X) and [y for _, y in found] == Y.tolist()
    assert outcomes[True] > 100 and outcomes[False] > 1000, outcomes


def test_empty_rows_and_files_without_samples_are_no_damage(tmp_path: Path) -> None:
    body = npz_bytes(x=npy_bytes(X), y=npy_bytes(np.zeros((5, 0))))
    (tmp_path / "d.npz").write_bytes(body)
    assert [s.label.shape for s in open_data(tmp_path / "d.npz", [EDGE], Recipe()) if s.label is not None] == [(0,)] * 5
    for name, data in (("d.npz", npz_bytes(x=npy_bytes(X[:0]))), ("d.npy", npy_bytes(X[:0]))):
        assert refusal(rows, tmp_path / name, data).endswith("holds no samples")


@pytest.mark.parametrize("kind", FILES)
def test_an_npz_that_ends_early_is_refused_everywhere(kind: str, tmp_path: Path) -> None:
    for size in range(len(FILES[kind])):
        assert refusal(samples, tmp_path / "d.npz", FILES[kind][:size])


@pytest.mark.parametrize("read", [rows, single])
def test_a_changed_or_cut_npy_is_read_or_refused(read: Callable[[Path], list[Any]], tmp_path: Path) -> None:
    data = npy_bytes(X if read is rows else X[0])
    header = len(data) - X[: 5 if read is rows else 1].nbytes
    found = [bool(refusal(read, tmp_path / "d.npy", bad)) for bad in changed(data)]
    assert True in found[: 3 * header] and False in found
    assert all(refusal(read, tmp_path / "d.npy", data[:size]) for size in range(len(data)))
    assert refusal(read, tmp_path / "d.npy", data + b"\0")


@pytest.mark.parametrize("kind", [*FILES, "zip64"])
def test_any_damage_is_read_or_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "zip64":  # sizes and places in 64 bits, as of files beyond 4 GiB
        monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
        data = numpy_file(np.savez_compressed)
        monkeypatch.undo()
        assert data.count(b"\x01\x00\x18\x00")
    else:
        data = FILES[kind]
    rng = np.random.default_rng(1)
    found = Counter(bool(refusal(samples, tmp_path / "d.npz", mutate(data, rng))) for _ in range(1000))
    assert found[True] > 500 and found[False] > 10, found


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 3, 4), }"
PIECES = [*"()[]{}',:-L105\\#\0", "|O", "|V0", "None", "True", "b''", "1j", "[]", "{}:1", "(1,)", "-5", "[('a','<f4')]", "('<f4',(3,))"]
LONG = ["9" * 30, "9" * 5000, "(" * 3000, "-" * 9000, "\n", "  \n\tx\n y", " " * 60000]


def with_header(text: str, values: bytes = X.tobytes()) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin1") + values


def test_any_header_is_read_or_refused(tmp_path: Path) -> None:
    rng = random.Random(1)
    headers = [HEADER.replace("5", piece, 1) for piece in [*PIECES, *LONG]] + [HEADER]
    for _ in range(1500):
        text = HEADER
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice([*PIECES, *LONG[:1], *LONG[4:6]]) + text[at + rng.choice([0, 0, 1, 4]) :]
        headers.append(text)
    bodies = [with_header(text) for text in headers]
    found = Counter(bool(refusal(rows, tmp_path / "d.npz", npz_bytes(x=body))) for body in bodies)
    assert found[True] > 1000 and found[False], found
    for read in (rows, single):
        assert sum(bool(refusal(read, tmp_path / "d.npy", body)) for body in bodies) > 1000


def test_a_header_of_python_2_is_read_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    body = with_header(HEADER.replace("(5, 3, 4)", "(5L, 3L, 4L)"))
    assert not refusal(rows, tmp_path / "d.npz", npz_bytes(x=body)) and not refusal(rows, tmp_path / "d.npy", body)
    assert np.array_equal(np.concatenate(rows(tmp_path / "d.npz")), X) and not recwarn.list


@pytest.mark.parametrize("method", METHODS)
def test_what_numpy_does_not_write_is_refused_damaged_or_not(method: str, tmp_path: Path) -> None:
    data = npz_bytes(METHODS[method], x=npy_bytes(X), y=npy_bytes(Y))
    message = refusal(samples, tmp_path / "d.npz", data)
    if method in ("stored", "deflated"):
        assert not message
        return
    named = (
        f"d.npz is not a readable .npz: x: 'x.npy' is compressed by method {METHODS[method]}, and only what is stored or deflated is read"
    )
    assert message.endswith(named)
    for at in range(35, 75):
        assert refusal(samples, tmp_path / "d.npz", data[:at] + b"\xff" + data[at + 1 :])


def test_an_entry_without_npy_is_no_array(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", npy_bytes(X))
        archive.writestr("z.npy", npy_bytes(X))
    assert refusal(rows, tmp_path / "d.npz", out.getvalue()).endswith("has no array 'x'; it has: z")


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", [np.savez, np.savez_compressed, "npy"])
def test_python_objects_are_refused_and_never_unpickled(kind: Any, tmp_path: Path) -> None:
    traps = np.array([Trap(tmp_path / "sprung")] * 5, object)
    out = io.BytesIO()
    if kind == "npy":
        np.save(out, traps, allow_pickle=True)
        np.load(io.BytesIO(out.getvalue()), allow_pickle=True)
        assert (tmp_path / "sprung").exists()  # it would work
        (tmp_path / "sprung").unlink()
        found = [refusal(read, tmp_path / "d.npy", out.getvalue()) for read in (rows, single)]
    else:
        kind(out, x=X, y=traps)
        found = [refusal(samples, tmp_path / "d.npz", out.getvalue())]
    assert all("it holds Python objects, and only numbers are read" in message for message in found)
    assert not (tmp_path / "sprung").exists()


def refusal_and_memory(read: Callable[[Path], list[Any]], path: Path, data: bytes) -> tuple[str, int]:
    """The message, and the most that Python and numpy held at once on the way to it."""
    tracemalloc.start()
    try:
        return refusal(read, path, data), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", ["(1000000000, 3, 4)", "(5, 3000000000, 4)", f"({10**30}, 3, 4)", "(-5, 3, -4)", "(4, 3, 4)"])
@pytest.mark.parametrize("order", ["False", "True"])
def test_a_header_that_speaks_of_another_size_is_refused_before_memory_is_taken(shape: str, order: str, tmp_path: Path) -> None:
    body = with_header(HEADER.replace("(5, 3, 4)", shape).replace("False", order))
    cases: list[tuple[Callable[[Path], list[Any]], str, bytes]] = [
        (rows, "d.npz", npz_bytes(x=body)),
        (rows, "d.npz", npz_bytes(zipfile.ZIP_DEFLATED, x=body)),
        (rows, "d.npy", body),
        (single, "d.npy", body),
    ]
    for read, name, data in cases:
        message, held = refusal_and_memory(read, tmp_path / name, data)
        assert "its header declares" in message and "240 follow" in message
        assert held < MIB


def bomb(start: bytes, declared: int | None = None) -> bytes:
    """x.npy: `start` and 64 MiB of zeros, deflated to a thousandth; declared: the size that the archive says it has."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x.npy", "w") as entry:
            entry.write(start)
            for _ in range(64):
                entry.write(bytes(MIB))
        info = archive.getinfo("x.npy")
        info.file_size = declared or info.file_size
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (bomb(npy_bytes(X)), f"{240 + 64 * MIB} follow"),
        (bomb(npy_bytes(X), len(npy_bytes(X))), "Bad CRC-32 for file 'x.npy'"),
        (bomb(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"), "reading array header, expected"),
    ],
    ids=["more than the header says", "more than the archive says", "a long header"],
)
def test_of_a_bomb_no_more_is_unpacked_than_a_sound_file_has(data: bytes, text: str, tmp_path: Path) -> None:
    message, held = refusal_and_memory(rows, tmp_path / "d.npz", data)
    assert text in message
    assert held < 2 * MIB


@pytest.mark.parametrize(
    ("kind", "most", "text"), [("column-major", X.nbytes, "is column-major and has"), ("stored", X[0].nbytes, "has rows of")]
)
def test_what_has_to_be_held_whole_has_a_bound(kind: str, most: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npy, "_MAX_HELD", most)
    assert not refusal(rows, tmp_path / "d.npz", FILES[kind])
    monkeypatch.setattr(npy, "_MAX_HELD", most - 1)
    found = refusal(rows, tmp_path / "d.npz", FILES[kind])
    assert found.endswith(f"d.npz: x {text} {most} bytes, more than the {most - 1} that are held at once")


def test_a_file_replaced_between_two_readings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.npz").write_bytes(FILES["stored"])
    data = open_data(tmp_path / "d.npz", [EDGE], Recipe())
    assert len(list(data)) == 5
    for arrays, text in (({"x": X.astype(np.float64)}, "x: it changed while it was used"), ({"z": X}, "x: .*no item named 'x.npy'")):
        np.savez(tmp_path / "d.npz", y=Y, **arrays)
        with pytest.raises(ModelError, match=text):
            list(data)

"""Damaged and hostile archives in the place of PyTorch files: refused, with what to do, and without unpacking them whole."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from edgeq_host.errors import ModelError
from edgeq_host.importers import load
from edgeq_host.importers.torch_saved import _PICKLE_BYTES

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

MIB = 1 << 20
BOMB = 6 * _PICKLE_BYTES
PICKLE, PROGRAM = "net/data.pkl", "net/models/model.json"
BODIES = {PICKLE: pickle.dumps({"weights": list(range(50))}), PROGRAM: b'{"graph": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}'}
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def archive(name: str, method: int) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        target.writestr(name, BODIES[name])
    return bytearray(out.getvalue())


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ModelError) as raised:
        load(path)
    assert raised.value.message and raised.value.hint and raised.value.code == 3
    return raised.value.message


@pytest.mark.parametrize("name", [PICKLE, PROGRAM])
def test_deflated_data_that_is_damaged_is_a_damaged_archive(name: str, tmp_path: Path) -> None:
    data = archive(name, zipfile.ZIP_DEFLATED)
    data[30 + len(name)] = 0xFF  # behind the entry's header: a block of a kind that does not exist
    assert "is a damaged archive: Error -3 while decompressing data" in refused(tmp_path / "net.pt", data)


@pytest.mark.parametrize("name", [PICKLE, PROGRAM])
@pytest.mark.parametrize("method", METHODS[2:])
@pytest.mark.parametrize("whole", [True, False])
def test_what_torch_cannot_unpack_is_refused_damaged_or_not(name: str, method: int, whole: bool, tmp_path: Path) -> None:
    data = archive(name, method)
    if not whole:
        start = 30 + len(name)
        data[start : start + 20] = bytes(20)
    assert f"compressed by method {method}, and only what is stored or deflated is read" in refused(tmp_path / "net.pt", data)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [PICKLE, PROGRAM])
def test_a_changed_byte_anywhere_is_refused(name: str, method: int, tmp_path: Path) -> None:
    data = archive(name, method)
    for at in range(2, len(data)):
        for change in (0xFF, 0x55):
            refused(tmp_path / "net.pt", data[:at] + bytes([data[at] ^ change]) + data[at + 1 :])


@pytest.mark.parametrize("name", [PICKLE, PROGRAM])
def test_an_archive_that_ends_early_is_refused(name: str, tmp_path: Path) -> None:
    data = archive(name, zipfile.ZIP_DEFLATED)
    for size in range(2, len(data)):
        refused(tmp_path / "net.pt", data[:size])


def bomb(name: str, declared: int | None = None) -> bytes:
    """BOMB zeros in about a thousandth of that; an archive that declares fewer hides what it would unpack to."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        with target.open(name, "w") as entry:
            for _ in range(BOMB // MIB):
                entry.write(bytes(MIB))
        target.getinfo(name).file_size = declared or BOMB
    return out.getvalue()


def refusal_and_memory(path: Path, data: bytes) -> tuple[str, int]:
    """The message, and the most that Python held at once on the way to it."""
    tracemalloc.start()
    try:
        return refused(path, data), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_of_a_bomb_in_the_place_of_the_pickle_only_the_beginning_is_unpacked(tmp_path: Path) -> None:
    message, memory = refusal_and_memory(tmp_path / "net.pt", bomb(PICKLE))
    assert "is a PyTorch checkpoint" in message
    assert memory < BOMB / 2


@pytest.mark.parametrize("name", [PICKLE, PROGRAM])
def test_of_a_bomb_that_declares_less_no_more_is_unpacked(name: str, tmp_path: Path) -> None:
    message, memory = refusal_and_memory(tmp_path / "net.pt", bomb(name, 100))
    assert "is a damaged archive" in message
    assert memory < 8 * MIB

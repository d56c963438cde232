"""Files that are not sound: an error that names the cause, never a crash and never a result."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

import edgeq_runtime
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_runtime import native
from tests.runtime.models import TRAILER, body_of, branches, branches_result, sealed, with_costs, with_selftest

TRUNCATED, MAGIC, VERSION, CHECKSUM, FORMAT, UNSUPPORTED, SHAPE, ALIGNMENT = -1, -2, -3, -4, -5, -6, -7, -8


@pytest.fixture(scope="module")
def good() -> bytes:
    return with_selftest(branches(), (1, 7))


def status_of(data: bytes) -> int:
    """0 where the file is taken."""
    try:
        native.check(data)
    except native.Error as error:
        return error.status
    return 0


def test_a_good_file_is_taken_and_runs(good: bytes) -> None:
    model = native.Model(good)
    x = np.linspace(-2, 2, 24, dtype=np.float32).reshape(1, 4, 2, 3)
    assert np.array_equal(model.run(x), branches_result(x))
    model.selftest()


def test_the_helper_seals_as_the_writer_does(good: bytes) -> None:
    assert sealed(body_of(good)) == good


def test_a_file_cut_at_any_length_is_refused(good: bytes) -> None:
    found = [status_of(good[:n]) for n in range(len(good))]
    assert set(found) == {MAGIC, TRUNCATED}
    assert set(found[8:]) == {TRUNCATED}, "from the identifier on it is known to be a piece of a model"


def test_a_file_with_bytes_behind_it_is_refused(good: bytes) -> None:
    assert all(status_of(good + bytes(n)) == TRUNCATED for n in (1, 16, 160))


def test_any_byte_changed_is_found(good: bytes) -> None:
    at_trailer = len(good) - TRAILER
    for i in range(len(good)):
        for flip in (0x01, 0x80, 0xFF):
            bad = bytearray(good)
            bad[i] ^= flip
            want = {CHECKSUM} if i < at_trailer or i >= at_trailer + 8 else {MAGIC, TRUNCATED}
            assert status_of(bytes(bad)) in want, f"byte {i}"


@pytest.mark.parametrize("data", [b"", b"x", bytes(64), bytes(1000), b"PK\x03\x04" * 100, b"\x1c\0\0\0TFL3" + bytes(400)])
def test_something_else_is_not_a_model(data: bytes) -> None:
    assert status_of(data) == MAGIC


@pytest.mark.parametrize(
    ("version", "runtime", "want"),
    [
        (1 << 16, 1, 0),
        (1 << 16 | 9, 1, 0),  # a newer minor version adds only what an older reader may pass over
        (2 << 16, 1, VERSION),
        (1 << 16, 2, VERSION),
        (1 << 16, 1 << 16, VERSION),
    ],
)
def test_a_file_for_a_newer_runtime_is_refused(good: bytes, version: int, runtime: int, want: int) -> None:
    assert status_of(sealed(body_of(good), version, runtime)) == want


def test_a_body_length_that_is_not_the_file_s_is_refused(good: bytes) -> None:
    for length, want in ((len(good) - TRAILER - 64, FORMAT), (len(good), TRUNCATED), (1 << 63, TRUNCATED)):
        head = good[-TRAILER:-4][:16] + struct.pack("<Q", length) + good[-TRAILER:-4][24:]
        assert status_of(body_of(good) + head + struct.pack("<I", native.crc32c(head))) == want


def test_measured_costs_behind_the_trailer_are_stepped_over(good: bytes) -> None:
    data = with_costs(good, b"any bytes at all")
    assert status_of(data) == 0
    assert native.Model(data).sha256 == native.Model(good).sha256
    assert status_of(with_costs(good, b"")) == 0


def test_damaged_costs_are_refused(good: bytes) -> None:
    data = bytearray(with_costs(good, b"any bytes at all"))
    data[len(good) + 2] ^= 1
    assert status_of(bytes(data)) == CHECKSUM
    too_long = good + b"some" + struct.pack("<II", len(good) + 5, 0) + b"EQMCOSTS"
    assert status_of(too_long) == TRUNCATED


def test_a_file_at_an_address_that_is_not_aligned_is_refused(good: bytes) -> None:
    memory = native.Memory(len(good) + 64)
    for shift, want in ((0, 0), (1, ALIGNMENT), (8, ALIGNMENT), (16, ALIGNMENT), (32, ALIGNMENT)):
        memory.view[shift : shift + len(good)] = good
        file = edgeq_runtime.abi.File()
        assert native.library().eq_file_check(file, memory.address + shift, len(good)) == want


def test_a_microcontroller_s_file_needs_16_bytes_of_alignment(good: bytes) -> None:
    data = to_bytes(Bundle("small", [Variant("float32", branches())], alignment=16))
    memory = native.Memory(len(data) + 64)
    for shift, want in ((16, 0), (48, 0), (8, ALIGNMENT)):
        memory.view[shift : shift + len(data)] = data
        assert native.library().eq_file_check(edgeq_runtime.abi.File(), memory.address + shift, len(data)) == want


def test_a_path_is_mapped_and_gives_the_same_result(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "branches.eqm"
    path.write_bytes(good)
    x = np.ones((1, 4, 2, 3), np.float32)
    assert np.array_equal(edgeq_runtime.open(str(path)).run(x), native.Model(good).run(x))


def test_a_path_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(native.Error, match=r"nothing\.eqm.*give the path"):
        edgeq_runtime.open(str(tmp_path / "nothing.eqm"))
    (tmp_path / "empty.eqm").write_bytes(b"")
    with pytest.raises(native.Error, match=r"empty\.eqm: not an \.eqm file"):
        edgeq_runtime.open(str(tmp_path / "empty.eqm"))
    with pytest.raises(native.Error, match="give the path"):
        edgeq_runtime.open(str(tmp_path))


def test_a_selftest_that_differs_is_reported_with_its_sample(good: bytes) -> None:
    body = bytearray(body_of(good))
    x = np.linspace(-1, 1, 24).astype(np.float32).tobytes()
    at = body.find(x)
    assert at > 0 and body.find(x, at + 1) < 0
    body[at + 1] ^= 1
    with pytest.raises(native.Error, match="sample 0") as caught:
        native.Model(sealed(bytes(body))).selftest()
    assert caught.value.status == -11

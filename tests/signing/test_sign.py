"""edgeq sign and edgeq verify: what is signed, by whom, and what a changed file looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeq_host import signing
from edgeq_host.errors import ModelError, SignatureError
from edgeq_host.export.container import TRAILER_BYTES
from edgeq_runtime import native
from tests.agent.conftest import packed
from tests.runtime.models import with_costs
from tests.signing.conftest import Desk, openssl


def mended(data: bytes, at: int, value: int) -> bytes:
    """With one byte of the trailer changed, and its checksum as it has to be then."""
    start = len(data) - TRAILER_BYTES
    trailer = bytearray(data[start:-4])
    trailer[at] = value
    return data[:start] + bytes(trailer) + native.crc32c(bytes(trailer)).to_bytes(4, "little")


def test_a_signed_file_names_its_key_and_counter_and_its_body_is_the_same(desk: Desk) -> None:
    before = desk.model.read_bytes()
    found = desk.edgeq("sign", desk.model, "--counter", 7, "--key", "release.key", "--json").json
    after = desk.model.read_bytes()
    assert after[:-TRAILER_BYTES] == before[:-TRAILER_BYTES] and len(after) == len(before)
    assert (found["id"], found["counter"]) == (desk.public().id, 7)
    verified = desk.edgeq("verify", desk.model, "--key", "other.pub", "--key", "release.pub", "--json").json
    assert verified == {"schema": "edgeq.verify/1", "file": str(desk.model), "name": "release", "id": desk.public().id, "counter": 7}
    shown = desk.edgeq("inspect", desk.model)
    assert f"signed by the key {desk.public().id}, counter 7" in shown.out
    native.check(after)


def test_openssl_finds_the_signature_over_the_first_92_bytes_of_the_trailer_right(desk: Desk) -> None:
    """SPEC.md 3.1, with a witness that knows nothing of edgeq."""
    trailer = signing.sign(desk.model.read_bytes(), "m", desk.private(), 3)[-TRAILER_BYTES:]
    (desk.folder / "message").write_bytes(trailer[:92])
    (desk.folder / "sig").write_bytes(trailer[92:156])
    openssl(desk.folder, "pkeyutl -verify -pubin -inkey release.pub -rawin -in message -sigfile sig")


def test_a_counter_has_no_default_and_starts_at_1(desk: Desk) -> None:
    before = desk.model.read_bytes()
    for words in ((), ("--counter", 0), ("--counter", -1), ("--counter", 2**64), ("--counter", "x")):
        assert desk.edgeq("sign", desk.model, "--key", "release.key", *words).code == 2
    assert desk.model.read_bytes() == before
    assert desk.edgeq("sign", desk.model, "--key", "release.key", "--counter", 2**64 - 1).code == 0


def test_a_key_comes_from_a_file_a_descriptor_or_the_environment_and_gives_the_same_signature(desk: Desk) -> None:
    sign = ("sign", desk.model, "--counter", 5)
    assert desk.edgeq(*sign, "--key", "release.key", "-o", "a.eqm").code == 0
    handle = os.open(desk.folder / "release.key", os.O_RDONLY)
    assert desk.edgeq(*sign, "--key-fd", handle, "-o", "b.eqm", pass_fds=(handle,)).code == 0
    os.close(handle)
    text = (desk.folder / "release.key").read_text()
    assert desk.edgeq(*sign, "--key-env", "SIGNING_KEY", "-o", "c.eqm", SIGNING_KEY=text).code == 0
    a, b, c = ((desk.folder / f"{name}.eqm").read_bytes() for name in "abc")
    assert a == b == c != desk.model.read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--key", "release.key", "--key-fd", "0"),
        ("--key", "release.key", "--key-env", "KEY"),
        ("--key", "release.key", "--digest"),
        ("--key", "release.key", "--public", "release.pub"),
        ("--public", "release.pub"),
        ("--digest",),
        ("--public", "release.pub", "--digest", "--attach", "sig"),
        ("--key-fd", "999"),
        ("--key-env", "EDGEQ_NOT_SET"),
        ("--key", "absent.key"),
        ("--key", "release.pub"),
    ],
)
def test_what_does_not_say_one_key_is_a_usage_error_and_writes_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    before = desk.model.read_bytes()
    found = desk.edgeq("sign", desk.model, "--counter", 1, *words)
    assert found.code == 2 and "hint:" in found.err, found.err
    assert desk.model.read_bytes() == before


def test_a_signature_made_elsewhere_is_attached_after_it_was_verified(desk: Desk) -> None:
    words = ("sign", desk.model, "--counter", 9, "--public", "release.pub")
    assert desk.edgeq(*words, "--digest", "-o", "message").code == 0
    printed = desk.edgeq(*words, "--digest").out.strip()
    assert bytes.fromhex(printed) == (desk.folder / "message").read_bytes()
    openssl(desk.folder, "pkeyutl -sign -inkey release.key -rawin -in message -out sig")
    assert desk.edgeq(*words, "--attach", "sig", "-o", "signed.eqm").code == 0
    assert (desk.folder / "signed.eqm").read_bytes() == signing.sign(desk.model.read_bytes(), "m", desk.private(), 9)
    (desk.folder / "hex").write_text((desk.folder / "sig").read_bytes().hex() + "\n")
    assert desk.edgeq(*words, "--attach", "hex", "-o", "again.eqm").code == 0
    for wrong in (("--counter", 10), ("--public", "other.pub")):
        found = desk.edgeq(*words, *wrong, "--attach", "sig", "-o", "wrong.eqm")
        assert found.code == 6 and "not one of the key" in found.err
    (desk.folder / "short").write_bytes(b"x" * 63)
    assert desk.edgeq(*words, "--attach", "short", "-o", "wrong.eqm").code == 3
    assert not (desk.folder / "wrong.eqm").exists()


def test_a_signature_is_replaced_only_with_force_and_the_error_says_whose_it_is(desk: Desk) -> None:
    assert desk.edgeq("sign", desk.model, "--counter", 1, "--key", "release.key").code == 0
    before = desk.model.read_bytes()
    found = desk.edgeq("sign", desk.model, "--counter", 2, "--key", "other.key")
    assert found.code == 6 and desk.public().id in found.err and "counter 1" in found.err
    assert desk.model.read_bytes() == before
    assert desk.edgeq("sign", desk.model, "--counter", 2, "--key", "other.key", "--force").code == 0
    assert signing.verify(desk.model.read_bytes(), "m", [desk.public("other")]).counter == 2


def test_a_file_keeps_its_mode_where_it_is_signed_in_place(desk: Desk) -> None:
    desk.model.chmod(0o600)
    assert desk.edgeq("sign", desk.model, "--counter", 1, "--key", "release.key").code == 0
    assert desk.model.stat().st_mode & 0o777 == 0o600


def test_a_signature_is_no_pipe_and_not_longer_than_one(desk: Desk) -> None:
    os.mkfifo(desk.folder / "fifo")
    (desk.folder / "long").write_bytes(b"0" * 2000)
    for words in (("--attach", "fifo"), ("--attach", "/dev/zero"), ("--attach", "long")):
        found = desk.edgeq("sign", desk.model, "--counter", 9, "--public", "release.pub", *words)
        assert found.code == 2 and "hint:" in found.err and ("no regular file" in found.err or "longer than" in found.err)


def test_the_measured_costs_behind_a_trailer_stay(desk: Desk) -> None:
    plain = desk.model.read_bytes()
    signed = signing.sign(with_costs(plain, b"measured"), "m", desk.private(), 4)
    assert signed == with_costs(signing.sign(plain, "m", desk.private(), 4), b"measured")
    assert signing.verify(signed, "m", [desk.public()]).counter == 4


def test_an_unsigned_file_another_key_and_a_changed_file_are_code_6(desk: Desk) -> None:
    assert (unsigned := desk.edgeq("verify", desk.model, "--key", "release.pub")).code == 6 and "is not signed" in unsigned.err
    good = signing.sign(desk.model.read_bytes(), "m", desk.private(), 4)
    desk.model.write_bytes(good)
    wrong = desk.edgeq("verify", desk.model, "--key", "other.pub", "--json")
    assert wrong.code == 6 and wrong.json["error"]["code"] == 6
    desk.model.write_bytes(mended(good, 56, 5))
    changed = desk.edgeq("verify", desk.model, "--key", "release.pub")
    assert changed.code == 6 and "is wrong" in changed.err


def test_every_bit_of_the_trailer_that_is_changed_is_noticed(desk: Desk) -> None:
    good = signing.sign(desk.model.read_bytes(), "m", desk.private(), 4)
    start = len(good) - TRAILER_BYTES
    for at in range(156):
        for bit in range(8):
            with pytest.raises((SignatureError, ModelError)):
                signing.verify(mended(good, at, good[start + at] ^ 1 << bit), "m", [desk.public()])


def test_the_trailer_of_one_file_on_the_body_of_another_is_refused(desk: Desk) -> None:
    good = signing.sign(desk.model.read_bytes(), "m", desk.private(), 4)
    mixed = packed(2)[:-TRAILER_BYTES] + good[-TRAILER_BYTES:]
    with pytest.raises(ModelError):
        signing.verify(mixed, "m", [desk.public()])


@pytest.mark.parametrize("data", [b"", b"EQM1", b"x" * 500])
def test_what_is_no_sound_file_is_code_3_to_sign_and_to_verify(desk: Desk, data: bytes) -> None:
    desk.model.write_bytes(data)
    assert desk.edgeq("verify", desk.model, "--key", "release.pub").code == 3
    assert desk.edgeq("sign", desk.model, "--counter", 1, "--key", "release.key").code == 3
    assert desk.model.read_bytes() == data


def test_no_secret_is_in_the_command_line_of_a_signing_process(desk: Desk) -> None:
    """What /proc shows of a process that waits for its key at a descriptor."""
    read, write = os.pipe()
    words = [sys.executable, "-m", "edgeq_host", "sign", "model.eqm", "--counter", "1", "--key-fd", str(read)]
    with subprocess.Popen(words, cwd=desk.folder, pass_fds=(read,), stdout=subprocess.PIPE) as process:
        key = (desk.folder / "release.key").read_bytes()
        os.write(write, key)
        seen = Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
        os.close(read)
        os.close(write)
        process.wait(60)
    assert process.returncode == 0
    assert key.splitlines()[1] not in seen

"""Private keys: written for their owner alone, read from where they may lie, shown nowhere."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from edgeq_host import keys
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.keys import Secret
from tests.signing.conftest import Desk, openssl

WORD = "correct horse"


def test_a_new_key_is_for_its_owner_alone_and_the_public_one_beside_it_belongs_to_it(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "k.key", "lab-1")
    assert (tmp_path / "k.key").stat().st_mode & 0o777 == 0o600
    private = load_pem_private_key((tmp_path / "k.key").read_bytes(), None)
    public = load_pem_public_key((tmp_path / "k.pub").read_bytes())  # another reader of PEM, with the line of the name above
    assert isinstance(private, Ed25519PrivateKey)
    assert private.public_key() == public
    assert keys.read_public(tmp_path / "k.pub") == made and made.name == "lab-1"
    assert made.id == hashlib.sha256(made.raw).hexdigest()[:32]


def test_openssl_reads_the_public_key_with_its_name_above(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "k.key", "lab-1")
    shown = openssl(tmp_path, "pkey -pubin -in k.pub -outform DER")
    assert shown[-32:] == made.raw


def test_a_key_is_never_overwritten_without_force(tmp_path: Path) -> None:
    keys.create(tmp_path / "k.key", "k")
    before = (tmp_path / "k.key").read_bytes(), (tmp_path / "k.pub").read_bytes()
    with pytest.raises(UsageError, match="there already"):
        keys.create(tmp_path / "k.key", "k")
    (tmp_path / "k.key").unlink()
    with pytest.raises(UsageError, match="there already"):
        keys.create(tmp_path / "k.key", "k")
    assert not (tmp_path / "k.key").exists(), "half of a pair"
    keys.create(tmp_path / "k.key", "k", force=True)
    assert (tmp_path / "k.pub").read_bytes() != before[1]
    assert (tmp_path / "k.key").stat().st_mode & 0o777 == 0o600


def test_nothing_is_left_where_the_public_key_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "k.pub").mkdir()
    with pytest.raises((UsageError, ModelError)):
        keys.create(tmp_path / "k.key", "k")
    assert [p.name for p in tmp_path.iterdir()] == ["k.pub"]


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 32, "ä", "x\n"])
def test_a_name_that_no_device_takes_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a key"):
        keys.create(tmp_path / "k.key", name)
    assert not list(tmp_path.iterdir())


def test_a_passphrase_encrypts_the_key_and_is_asked_for_by_descriptor_or_environment(desk: Desk) -> None:
    read, write = os.pipe()
    os.write(write, WORD.encode() + b"\n")
    os.close(write)
    made = desk.edgeq("key", "new", "-o", "locked.key", "--passphrase-fd", read, pass_fds=(read,))
    assert made.code == 0, made.err
    assert "ENCRYPTED" in (desk.folder / "locked.key").read_text()
    sign = ("sign", desk.model, "--counter", 1, "--key", "locked.key")
    assert (without := desk.edgeq(*sign)).code == 2 and "is encrypted" in without.err
    assert (wrong := desk.edgeq(*sign, "--passphrase-env", "WORD", WORD="wrong horse")).code == 2
    assert "wrong horse" not in wrong.err + wrong.out
    assert desk.edgeq(*sign, "--passphrase-env", "WORD", WORD=WORD).code == 0


def test_a_passphrase_of_a_key_that_has_none_is_an_error(desk: Desk) -> None:
    found = desk.edgeq("sign", desk.model, "--counter", 1, "--key", "release.key", "--passphrase-env", "WORD", WORD=WORD)
    assert found.code == 2 and "not encrypted" in found.err


def test_a_secret_in_the_environment_is_taken_out_of_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", (desk.folder / "release.key").read_text())
    key = keys.read_private(Secret(variable="SIGNING_KEY"), None)
    assert key.public("release") == desk.public()
    seen = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert "SIGNING_KEY" not in seen and "PRIVATE" not in seen


@pytest.mark.parametrize("flags", [("--traceback",), ("--json",), ("--json", "--traceback"), ()])
def test_no_byte_of_a_key_that_cannot_be_used_is_in_any_output(desk: Desk, flags: tuple[str, ...]) -> None:
    good = (desk.folder / "release.key").read_text()
    secret = good.splitlines()[1]
    for broken in (
        good.replace("MC4", "MC5"),
        secret,
        good[:-30],
        good.replace("PRIVATE", "SECRET"),
        "\n".join(reversed(good.splitlines())),
    ):
        found = desk.edgeq("sign", desk.model, "--counter", 1, "--key-env", "KEY", *flags, KEY=broken)
        assert found.code == 2, found.err
        assert not any(secret[i : i + 12] in found.out + found.err for i in range(len(secret) - 12))


def test_a_key_where_a_variables_name_belongs_is_not_repeated(desk: Desk) -> None:
    secret = (desk.folder / "release.key").read_text()
    found = desk.edgeq("sign", desk.model, "--counter", 1, "--key-env", secret)
    assert found.code == 2 and secret.splitlines()[1] not in found.out + found.err


def test_what_holds_a_key_does_not_show_it(desk: Desk) -> None:
    private = desk.private()
    seed = private._key.private_bytes_raw()
    assert seed.hex() not in repr(private) and repr(seed)[2:10] not in repr(private)
    assert str(private) == "PrivateKey(...)"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
        (b"\xff" * 5000, "no public key"),
        (b"x" * 70000, "longer than"),
    ],
)
def test_a_file_that_is_no_public_key_is_refused(desk: Desk, content: bytes, says: str) -> None:
    (desk.folder / "bad.pub").write_bytes(content)
    with pytest.raises(UsageError, match=says):
        keys.read_public(desk.folder / "bad.pub")


def test_a_private_key_in_the_place_of_a_public_one_is_named_as_such(desk: Desk) -> None:
    with pytest.raises(UsageError, match="holds a private key"):
        keys.read_public(desk.folder / "release.key")


def test_a_key_of_another_kind_is_refused(desk: Desk) -> None:
    openssl(desk.folder, "genpkey -algorithm X25519 -out x.key")
    openssl(desk.folder, "pkey -in x.key -pubout -out x.pub")
    with pytest.raises(UsageError, match="another kind"):
        keys.read_public(desk.folder / "x.pub")
    with pytest.raises(UsageError, match="another kind"):
        keys.read_private(Secret(file=desk.folder / "x.key"), None)

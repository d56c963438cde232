"""Ed25519 keys that sign .eqm files: made, read, and named by their id. The only module that touches a secret.

A private key comes from a file, a descriptor or an environment variable, never from an argument; no error repeats any of its bytes,
nor a name that names nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq_host.errors import EdgeqError, UsageError
from edgeq_host.export import write_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ID_BYTES = 16
MAX_NAME = 31
MAX_PEM = 1 << 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TITLE = re.compile(rb"^edgeq key (\S+)\s*$", re.M)
_BEGIN = b"-----BEGIN "


def key_id(raw: bytes) -> bytes:
    """What the trailer of a file and people call a public key: the first 16 bytes of its SHA-256."""
    return hashlib.sha256(raw).digest()[:ID_BYTES]


@dataclass(frozen=True)
class PublicKey:
    """raw: 32 bytes; name: for people."""

    raw: bytes
    name: str

    @property
    def id(self) -> str:
        return key_id(self.raw).hex()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def pem(self) -> bytes:
        """SubjectPublicKeyInfo, below a line with the name that every reader of PEM passes over."""
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return b"edgeq key %s\n" % self.name.encode() + key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)


class PrivateKey:
    """A key that can sign. It shows nothing of itself."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def public(self, name: str) -> PublicKey:
        return PublicKey(self._key.public_key().public_bytes_raw(), name)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def __repr__(self) -> str:
        return "PrivateKey(...)"


@dataclass(frozen=True)
class Secret:
    """Where a secret is read from: exactly one of them. variable: of the environment, which loses it, so that no child sees it.
    option: what it was given with, for errors."""

    file: Path | None = None
    descriptor: int | None = None
    variable: str | None = None
    option: str = ""

    @property
    def place(self) -> str:
        """What an error calls it. What names nothing is not repeated: it may be the secret itself, in the wrong place."""
        if self.file is not None and os.path.lexists(self.file):
            return str(self.file)
        kind = "file" if self.file is not None else "descriptor" if self.descriptor is not None else "environment variable"
        return f"the {kind}" + (f" that {self.option} names" if self.option else "")

    def read(self, what: str) -> bytes:
        """At most MAX_PEM bytes. UsageError where they cannot be had."""
        if self.variable is not None:
            return self._from_environment(what)
        try:
            source = self.file if self.file is not None else self.descriptor
            assert source is not None
            with open(source, "rb") as stream:
                data = stream.read(MAX_PEM + 1)
        except OSError as error:
            hint = "name a file or an open descriptor that can be read"
            raise UsageError(f"{what}: {self.place}: {error.strerror or error}", hint) from None
        if len(data) > MAX_PEM:
            raise UsageError(f"{what}: longer than {MAX_PEM} bytes", "that is no key and no passphrase; see edgeq key new")
        return data

    def _from_environment(self, what: str) -> bytes:
        name = self.variable or ""
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise UsageError(f"{what}: that is no name of an environment variable", "give the name of the variable, not what it holds")
        if name not in os.environ:
            hint = "give the name of the variable, not what it holds, and set it to the content of the file"
            raise UsageError(f"{what}: {self.place} is not set", hint)
        return os.fsencode(os.environ.pop(name))


def check_name(name: str) -> str:
    """UsageError where a device takes no such name."""
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        rule = f"1 to {MAX_NAME} letters, digits, '.', '_' or '-', the first a letter or digit"
        raise UsageError(f"{name[:40]!r} cannot name a key: {rule}", "choose another with --name")
    return name


def read_public(path: Path, option: str = "") -> PublicKey:
    """A public key in PEM; its name is the one in the file, else the file's stem. option: what `path` was given with."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = Secret(file=path, option=option).read("the public key")
    hint = "give the .pub file that edgeq key new wrote, or any Ed25519 public key in PEM"
    if b"PRIVATE KEY-----" in data:
        raise UsageError(f"{path} holds a private key, not a public one", hint)
    try:
        key = load_pem_public_key(data[max(data.find(_BEGIN), 0) :])
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{path} holds no public key in PEM", hint) from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} holds a public key of another kind than Ed25519", hint)
    title = _TITLE.search(data)
    return PublicKey(key.public_bytes_raw(), title[1].decode("ascii", "replace") if title else path.stem)


def read_private(source: Secret, passphrase: Secret | None) -> PrivateKey:
    """A private key in PEM (PKCS#8), which may be encrypted."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = source.read("the private key")
    word = read_passphrase(passphrase)
    try:
        key = load_pem_private_key(data, word)
    except TypeError:  # of a passphrase that is missing, or that is there for nothing
        found, do = ("is encrypted", "give its passphrase") if word is None else ("is not encrypted", "leave its passphrase out")
        raise UsageError(f"the private key {found}", f"{do}: --passphrase-fd or --passphrase-env") from None
    except (ValueError, UnsupportedAlgorithm):
        hint = "give the file that edgeq key new wrote, and its passphrase where it has one"
        raise UsageError("the private key cannot be read: it is no PEM, or the passphrase is another", hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("the private key is of another kind than Ed25519", "make one with edgeq key new")
    return PrivateKey(key)


def read_passphrase(source: Secret | None) -> bytes | None:
    """Without the end of its line. UsageError where it is empty."""
    if source is None:
        return None
    word = source.read("the passphrase").rstrip(b"\r\n")
    if not word:
        raise UsageError("the passphrase is empty", "give one, or leave the option out")
    return word


def create(path: Path, name: str, passphrase: Secret | None = None, force: bool = False) -> PublicKey:
    """Write a new private key (mode 0600) and, beside it, its public key `.pub`. UsageError where one of them is there already."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    check_name(name)
    word = read_passphrase(passphrase)
    beside = path.with_suffix(".pub")
    if beside == path:
        raise UsageError(f"{path}: the public key goes to the file of that name", "name the private key with another ending, such as .key")
    key = Ed25519PrivateKey.generate()
    encryption = form.BestAvailableEncryption(word) if word else form.NoEncryption()
    public = PrivateKey(key).public(name)
    made = [(path, key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, encryption), 0o600), (beside, public.pem(), 0o644)]
    _write(made, force)
    return public


def _write(files: list[tuple[Path, bytes, int]], force: bool) -> None:
    """All of them or, at an error, none that was not there before."""
    reserved: list[Path] = []
    try:
        for path, _, _ in files:
            if path.exists() and not path.is_file():
                raise UsageError(f"{path} is no regular file", "name a file for the key with -o")
            if not force:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # two at once: one of them
                reserved.append(path)
        for path, data, mode in files:
            write_file(path, data, mode)
    except FileExistsError:
        _remove(reserved)
        raise UsageError(f"{path} is there already", "a key that is lost cannot be made again: choose another name, or --force") from None
    except OSError as error:
        _remove(reserved)
        raise UsageError(f"{path}: {error.strerror or error}", "name a file in a folder that can be written with -o") from None
    except EdgeqError:
        _remove(reserved)
        raise


def _remove(files: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)

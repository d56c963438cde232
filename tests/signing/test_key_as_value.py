"""A key or passphrase that stands on the command line itself: no error repeats it."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import pytest

from edgeq_host import keys
from edgeq_host.cli.group import run
from tests.signing.conftest import Desk

SIGN = ("sign", "model.eqm", "--counter", "9")
PLACES: list[tuple[str, ...]] = [
    (*SIGN, "--key"),
    (*SIGN, "--key-fd"),
    (*SIGN, "--key-env"),
    (*SIGN, "--digest", "--public"),
    (*SIGN, "--public", "release.pub", "--attach"),
    (*SIGN, "--key", "release.key", "--passphrase-fd"),
    (*SIGN, "--key", "release.key", "--passphrase-env"),
    ("key", "new", "-o", "k.key", "--passphrase-fd"),
    ("key", "enroll", "release.pub", "--board", "local", "--by"),
    ("key", "enroll", "release.pub", "--board", "local", "--by-fd"),
    ("key", "revoke", "release", "--board", "local", "--by"),
    ("key", "enroll", "--board", "local", "--"),
    ("key", "enroll", "--board", "local"),
    ("verify", "model.eqm", "--key"),
    ("devices", "add", "kitchen", "pi@kitchen.local", "--no-probe", "--key"),
    ("status", "--board", "pi@kitchen.local", "--identity"),
]


def said(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """The exit code, and everything that was printed."""
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    monkeypatch.setattr(sys, "stderr", text)
    return run(list(words)), text.getvalue()


@pytest.mark.parametrize("json", [(), ("--json",)])
@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_a_key_in_place_of_its_name_is_not_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, place: tuple[str, ...], json: tuple[str, ...]
) -> None:
    monkeypatch.chdir(desk.folder)
    key = (desk.folder / "release.key").read_text().rstrip("\n")  # as "$(cat release.key)" gives it
    secret = key.splitlines()[1]
    code, text = said((place[0], *json, *place[1:], key) if place[0] != "key" else (*place[:2], *json, *place[2:], key), monkeypatch)
    assert code == 2 and secret not in text and secret[:20] not in text, text
    assert "BEGIN" not in text and ("error" in text)
    assert not (desk.folder / "edgeq.toml").exists()


def test_the_error_names_the_option_and_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    code, text = said((*SIGN, "--key", (desk.folder / "release.key").read_text()), monkeypatch)
    assert code == 2 and "the value of --key is a key itself, not the name of a file" in text and "make a new one" in text


@pytest.mark.parametrize("value", ["correct horse", "-77", "77x", "77" * 15, "٣"])
@pytest.mark.parametrize("option", ["--passphrase-fd", "--key-fd"])
def test_what_is_no_descriptor_is_not_repeated(desk: Desk, monkeypatch: pytest.MonkeyPatch, option: str, value: str) -> None:
    monkeypatch.chdir(desk.folder)
    before = desk.model.read_bytes()
    code, text = said((*SIGN, option, value), monkeypatch)
    assert code == 2 and f"the value of {option} is no number of a descriptor" in text
    assert value not in text
    assert desk.model.read_bytes() == before


def test_a_key_without_its_lines_is_longer_than_a_path(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    code, text = said((*SIGN, "--key", "MC4C" * 1024), monkeypatch)
    assert code == 2 and "MC4C" not in text and "a key itself" in text


def test_the_longest_path_is_still_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    path = "./" * 2042 + "release.key"
    assert len(path) == 4095
    assert said((*SIGN, "--key", path), monkeypatch)[0] == 0
    assert keys.read_private(keys.Secret(file=desk.folder / "release.key"), None).public("release") == desk.public()


NAMES: list[tuple[str, ...]] = [place for place in PLACES if place[0] in ("sign", "key", "verify")]


@pytest.mark.parametrize("value", ["MC4CAQAwBQYDK2VwBCIEIPDeLRcrGHdb", "hunter2secret", "271828182"])
@pytest.mark.parametrize("place", NAMES, ids=" ".join)
def test_a_word_that_names_nothing_is_not_repeated(desk: Desk, monkeypatch: pytest.MonkeyPatch, place: tuple[str, ...], value: str) -> None:
    """A key without its lines, a passphrase, a number: each in the place of the name of where it lies."""
    monkeypatch.chdir(desk.folder)
    before = desk.model.read_bytes()
    code, text = said((*place, value), monkeypatch)
    assert code == 2 and value not in text and "hint:" in text, text
    option = place[-1] if place[-1] not in ("--", "local") else "PUB"
    assert option in text or "that is no" in text, text
    assert desk.model.read_bytes() == before


def test_a_key_to_revoke_is_not_repeated(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    code, text = said(("key", "revoke", "hunter2secret", "--board", "local"), monkeypatch)
    assert code == 2 and "hunter2secret" not in text and "no key of that name or id" in text


@pytest.mark.parametrize("kind", ["descriptor", "environment variable"])
def test_a_key_and_its_passphrase_from_one_place_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(desk.folder)
    short, value = ("fd", "0") if kind == "descriptor" else ("env", "HOME")
    code, text = said((*SIGN, f"--key-{short}", value, f"--passphrase-{short}", value), monkeypatch)
    assert code == 2 and f"--key-{short} and --passphrase-{short} name the same {kind}" in text

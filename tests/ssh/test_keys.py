"""Keys that do not let one in: refused by the device, or of no use here; the remedy is another."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.ssh.server import fingerprint, make_key, public
from edgeq_host.deploy import status
from edgeq_host.errors import UsageError
from tests.ssh.conftest import Site, agent, problem, unreached


def test_a_refused_key_is_named_with_what_the_device_accepts(site: Site, tmp_path: Path) -> None:
    server = site.server()
    other = make_key(tmp_path / "other")
    site.configure(key=other)
    error = unreached(site.target(server), "key_refused", "publickey", fingerprint(other))
    assert "authorized_keys" in error.hint and "--identity" in error.hint
    status(site.target(server, identity=str(site.key)))


@pytest.mark.parametrize("kind", ["OPENSSH", "PEM"])
def test_a_key_with_a_passphrase_and_nobody_to_ask_is_not_said_to_be_refused(site: Site, tmp_path: Path, kind: str) -> None:
    server = site.server()
    locked = make_key(tmp_path / "locked", "ed25519" if kind == "OPENSSH" else "rsa", passphrase="correct horse")
    if kind == "PEM":
        change = ["ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "correct horse", "-N", "correct horse", "-f", locked]
        subprocess.run(change, check=True, stdin=subprocess.DEVNULL)
    (server.folder / "authorized_keys").write_text(public(locked))
    site.configure(key=locked)
    for target in (site.target(server), site.target(server, identity=str(locked))):
        error = unreached(target, "key_refused", "publickey", "no key could be used to let you in", f"{locked} needs its passphrase")
        assert f"ssh-add {locked}" in error.hint and "ssh-copy-id" not in error.hint
        assert "correct horse" not in error.message + error.hint
    locked.with_name("locked.pub").unlink()
    unreached(site.target(server), "key_refused", f"{locked} needs its passphrase")


def test_a_key_that_others_may_read_is_named_with_its_remedy(site: Site) -> None:
    """OpenSSH takes none of this user; paramiko does not look."""
    server = site.server()
    site.key.chmod(0o644)
    try:
        if site.client == "paramiko":
            status(site.target(server))
            return
        error = unreached(site.target(server), "key_refused", "mode 0644", "no key could be used")
        assert error.hint == f"chmod 600 {site.key}"
    finally:
        site.key.chmod(0o600)


def test_a_refused_key_stays_refused_beside_one_that_needs_a_passphrase(site: Site, tmp_path: Path) -> None:
    server, other = site.server(), make_key(tmp_path / "other")
    locked = make_key(tmp_path / "locked", passphrase="correct horse")
    (server.folder / "authorized_keys").write_text(public(locked))
    site.configure(f"IdentityFile {other}", key=locked)
    error = unreached(site.target(server), "key_refused", "refused", fingerprint(other), f"{locked} needs its passphrase")
    assert "ssh-add" in error.hint and "ssh-copy-id" in error.hint


@pytest.mark.parametrize("what", ["model", "public", "empty", "folder", "cut"])
def test_a_file_that_is_no_private_key_is_an_error_of_usage(site: Site, what: str) -> None:
    path, text = site.folder / "key", site.key.read_text()
    contents = {"model": "EQM\0\1\2" * 1000, "public": public(site.key), "empty": "", "cut": text[:200]}
    if what == "folder":
        path.mkdir()
    else:
        path.write_text(contents[what])
        path.chmod(0o600)
    error = problem(site.target(site.server(), identity=str(path)))
    assert isinstance(error, UsageError) and str(path) in error.message
    wanted = {"public": "is a public key", "folder": "there is no key file"}.get(what, "is no private key")
    assert wanted in error.message and "private key" in error.hint


def test_a_public_key_will_do_where_an_agent_holds_the_private_one(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = site.server()
    site.configure(key=make_key(tmp_path / "other"))
    half = tmp_path / "half.pub"
    half.write_text(public(site.key))
    with agent(tmp_path / "agent", site.key) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        if site.client == "openssh":
            status(site.target(server, identity=str(half)))
        else:
            assert "is a public key" in problem(site.target(server, identity=str(half))).message


def test_a_device_that_asks_for_a_password_is_refused_without_a_question(site: Site, tmp_path: Path) -> None:
    server = site.server(options=("PubkeyAuthentication no", "KbdInteractiveAuthentication yes", "PasswordAuthentication yes"))
    unreached(site.target(server), "key_refused", "password")


def test_a_key_file_that_is_not_there_is_an_error_of_usage(site: Site) -> None:
    assert problem(site.target("host", identity=str(site.folder / "no-key"))).code == 2

"""What paramiko reads of the user's files, what it refuses with file and line, and what doctor says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bench.ssh.server import USER, fingerprint, make_key, public
from edgeq_host.deploy import status
from edgeq_host.errors import LinkError, UsageError
from edgeq_host.ssh import config, hosts, report
from tests.ssh.conftest import Site, agent

REFUSED = {
    "match": "Match host kitchen\n  User pi",
    "include": "Include {folder}/more",
    "certificate": "Host kitchen\n  CertificateFile ~/.ssh/id-cert.pub",
    "token": "Host kit*\n  PKCS11Provider /usr/lib/token.so",
    "algorithms": "HostKeyAlgorithms=ssh-ed25519",
    "agent": "Host !office kitchen\n  IdentityAgent /run/other",
    "address": "CheckHostIP yes",
    "environment": "SendEnv LANG EDGEQ_*",
    "unknown": "Host *\n  NewKeyword 1",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_what_paramiko_cannot_honour_is_refused_with_its_line(file: Path, name: str) -> None:
    (file.parent / "more").write_text("Host *\n  User pi\n")
    text = "# a comment\n\n" + REFUSED[name].format(folder=file.parent)
    file.write_text(text)
    number = len(text.splitlines()) if name != "match" else 3
    with pytest.raises(UsageError) as error:
        config.read("kitchen", "", 0)
    assert error.value.message.startswith(f"{file}:{number}: ") and "openssh" in error.value.hint


def test_lines_for_other_hosts_and_those_without_effect_are_passed_over(file: Path) -> None:
    file.write_text(
        "Include no-such-folder/*.conf\nHost office !kitchen\n  CertificateFile x\nHost *\n  SendEnv LANG LC_*\n  HashKnownHosts yes\n"
        "  GSSAPIAuthentication yes\n  ServerAliveInterval 5\n  ForwardAgent yes\n  StrictHostKeyChecking no\n"
    )
    assert config.read("kitchen", "", 0).host == "kitchen"


def test_values_that_are_honoured_arrive(file: Path) -> None:
    file.write_text(
        "Host kitchen\n  HostName 10.0.0.7\n  Port 2222\n  User pi\n  IdentityFile ~/key-%h\n  IdentitiesOnly yes\n  ProxyJump a@b:3,c\n"
        "  UserKnownHostsFile ~/known other\n  GlobalKnownHostsFile none\n  ConnectTimeout 7\n  HostKeyAlias our-pi\n"
        "Host *\n  User other\n  Port 1\n"
    )
    found = config.read("kitchen", "", 0)
    assert (found.host, found.port, found.user, found.connect_s, found.key_name) == ("10.0.0.7", 2222, "pi", 7.0, "our-pi")
    assert found.identity_files == (file.parent / "key-10.0.0.7",) and found.identities_only
    assert found.proxy_jump == "a@b:3,c" and found.known == (file.parent / "known", Path("other"))
    given = config.read("kitchen", "root", 22)
    assert (given.user, given.port) == ("root", 22)


def test_without_settings_the_usual_files_and_port_are_taken(file: Path) -> None:
    file.write_text("")
    found = config.read("Kitchen.local", "", 0)
    assert found.port == 22 and found.key_name == "kitchen.local" and found.user == USER
    assert file.parent / ".ssh" / "known_hosts" in found.known and Path("/etc/ssh/ssh_known_hosts") in found.known


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMcz8GMwn0i8bXHkPRP1EMTeJiR6n43Y6nZDrvBpzkVW"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        *[("kitchen", True), ("KITCHEN,10.0.0.7", True), ("k*n", True), ("kit?hen", True), ("*,!kitchen", False), ("office", False)],
        *[("[kitchen]:22", False), ("kitche", False), ("|1|broken", False), ("|1||", False), ("[kit]chen", False)],
    ],
)
def test_names_in_known_hosts_match_as_in_openssh(tmp_path: Path, names: str, found: bool) -> None:
    path = tmp_path / "known"
    path.write_text(f"# {KEY}\n\nnot a line\n{names} {KEY} comment\nkitchen ssh-ed25519 !!!\n")
    entries = hosts.lookup([path, tmp_path / "missing"], "kitchen")
    assert [entry.key.line for entry in entries] == ([4] if found else [])
    keygen = subprocess.run(["ssh-keygen", "-F", "kitchen", "-f", path], capture_output=True, text=True)
    assert (f"{names} " in keygen.stdout) == found, "ssh-keygen sees it otherwise"


def test_certificate_authorities_are_refused_where_they_speak_for_the_host(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_text(f"@cert-authority *.office {KEY}\n@cert-authority *.local {KEY}\n")
    assert hosts.lookup([path], "kitchen") == []
    with pytest.raises(UsageError) as error:
        hosts.lookup([path], "kitchen.local")
    assert error.value.message.startswith(f"{path}:2: @cert-authority")


def test_a_pipe_in_the_place_of_a_file_is_an_error_and_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(UsageError, match="no regular file"):
        config.read("kitchen", "", 0)
    with pytest.raises(UsageError, match="no regular file"):
        hosts.lookup([file], "kitchen")


def test_no_configuration_at_all_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", "/dev/null")
    assert config.read("kitchen", "pi", 0).port == 22


def test_an_accepted_key_is_added_behind_a_file_without_a_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "known"
    hosts.record(path, "[kitchen]:2222", "ssh-ed25519", b"abc")
    path.write_text(path.read_text().strip())
    hosts.record(path, "office", "ssh-ed25519", b"abc")
    assert path.read_text() == "[kitchen]:2222 ssh-ed25519 YWJj\noffice ssh-ed25519 YWJj\n"
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_keys_of_the_agent_are_used(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = site.server()
    locked = make_key(tmp_path / "locked", comment="locked")
    (server.folder / "authorized_keys").write_text(public(locked))
    site.configure("IdentitiesOnly no", key=site.key)
    with agent(tmp_path / "agent", locked) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        status(site.target(server))
        with pytest.raises(LinkError) as error:
            status(site.target(server, identity=str(site.key)))
        assert fingerprint(locked) not in error.value.message


def test_doctor_names_the_client_and_the_files(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_SSH", site.client)
    text = report.client()
    assert "paramiko" in text and ("OpenSSH" in text) == (site.client == "openssh")
    assert str(site.config) in report.files() and str(site.known) in report.files()
    site.config.write_text("Host *\n  NoSuchKeyword yes\n")
    with pytest.raises(UsageError) as error:
        report.files()
    assert str(site.config) in error.value.message


def test_without_openssh_paramiko_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGEQ_SSH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert report.client().startswith("paramiko") and "there is no program `ssh`" in report.client()
    monkeypatch.setenv("EDGEQ_SSH", "openssh")
    with pytest.raises(UsageError):
        report.client()
    assert os.environ["PATH"] == str(tmp_path)


def test_the_key_of_identity_comes_first_and_openssh_alone_goes_on_with_those_of_the_configuration(site: Site, tmp_path: Path) -> None:
    """As docs/ssh.md says. The configuration names the key that may log in."""
    server = site.server()
    other = make_key(tmp_path / "other")
    if site.client == "openssh":
        assert status(site.target(server, identity=str(other))).models == ()
        site.configure(key=other)  # -i comes before what the configuration names
        assert status(site.target(server, identity=str(site.key))).models == ()
        return
    with pytest.raises(LinkError) as error:
        status(site.target(server, identity=str(other)))
    assert error.value.kind == "key_refused"
    assert (
        fingerprint(other) in error.value.hint + error.value.message and fingerprint(site.key) not in error.value.hint + error.value.message
    )


@pytest.mark.parametrize(
    "line", ["StdinNull yes", "ForkAfterAuthentication yes", "SessionType none", "SessionType subsystem", "RequestTTY force"]
)
def test_what_the_configuration_does_for_a_terminal_does_not_touch_the_session(site: Site, line: str) -> None:
    site.configure(line)
    assert status(site.target(site.server())).models == ()

"""Every way in which a device cannot be reached: the same exit code and kind by both clients, what was found, and the remedy."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from bench.ssh.server import USER, fingerprint, free_port, make_key, public
from edgeq_host.deploy import status
from edgeq_host.errors import BoardError, UsageError
from tests.ssh.conftest import Site, problem, unreached


def test_a_changed_host_key_shows_both_fingerprints_and_how_to_forget_the_old_one(site: Site, tmp_path: Path) -> None:
    server = site.server(known=False)
    old = make_key(tmp_path / "old")
    site.known.write_text(f"# the first line\n[127.0.0.1]:{server.port} {public(old)}\n")
    error = unreached(site.target(server), "host_key_changed", fingerprint(old), fingerprint(server.host_key), f"{site.known}:2")
    assert f"ssh-keygen -f {site.known} -R '[127.0.0.1]:{server.port}'" in error.hint
    assert not server.agents.exists()
    subprocess.run(["ssh-keygen", "-f", str(site.known), "-R", f"[127.0.0.1]:{server.port}"], check=True, capture_output=True)
    unreached(site.target(server), "host_key_unknown")


def test_accepting_new_keys_does_not_accept_a_changed_one(site: Site, tmp_path: Path) -> None:
    server = site.server(known=False)
    site.known.write_text(f"[127.0.0.1]:{server.port} {public(make_key(tmp_path / 'old'))}\n")
    unreached(site.target(server, accept_new_host_key=True), "host_key_changed")


def test_an_unknown_host_key_is_refused_until_the_user_accepts_it(site: Site) -> None:
    server = site.server(known=False)
    error = unreached(site.target(server), "host_key_unknown", fingerprint(server.host_key))
    assert "--accept-new-host-key" in error.hint and site.known.read_text() == ""
    status(site.target(server, accept_new_host_key=True))
    assert public(server.host_key) in site.known.read_text()
    status(site.target(server))


def test_an_accepted_key_that_cannot_be_recorded_is_refused(site: Site) -> None:
    """Else every key would be accepted, the next time, too."""
    server = site.server(known=False)
    site.configure("UserKnownHostsFile /proc/none/known_hosts")
    error = problem(site.target(server, accept_new_host_key=True))
    assert isinstance(error, UsageError) and "cannot be recorded in /proc/none/known_hosts" in error.message
    assert not server.agents.exists()
    site.configure(f"UserKnownHostsFile /proc/none/known_hosts {site.known}")
    site.known.write_text(server.known)
    status(site.target(server, accept_new_host_key=True))  # what is known need not be recorded


def test_a_host_that_is_recorded_with_another_type_of_key_is_asked_for_that_type(site: Site, tmp_path: Path) -> None:
    second = make_key(tmp_path / "second", "ecdsa")
    server = site.server(known=False, host_kind="rsa", options=(f"HostKey {second}",))
    site.known.write_text(server.known)
    status(site.target(server))
    site.known.write_text(f"[127.0.0.1]:{server.port} {public(second)}\n")
    status(site.target(server))


def test_hashed_names_are_found(site: Site) -> None:
    server = site.server()
    subprocess.run(["ssh-keygen", "-H", "-f", str(site.known)], check=True, capture_output=True)
    assert "127.0.0.1" not in site.known.read_text()
    status(site.target(server))


def test_a_revoked_host_key_is_refused(site: Site) -> None:
    server = site.server()
    site.known.write_text(f"{site.known.read_text()}@revoked * {public(server.host_key)}\n")
    unreached(site.target(server, accept_new_host_key=True), "host_key_revoked", fingerprint(server.host_key), str(site.known))


def test_a_host_that_is_down_refuses_the_connection(site: Site) -> None:
    unreached(site.target(f"{USER}@127.0.0.1:{free_port()}"), "connection_refused", "refused")


def test_a_host_without_a_name_is_not_found(site: Site) -> None:
    unreached(site.target("pi@no-such-host.invalid"), "name_not_found")


def test_a_network_without_a_way_is_named(site: Site) -> None:
    unreached(site.target("pi@127.255.255.255"), "no_route")  # a broadcast address: no TCP goes there


def test_a_host_that_takes_the_connection_and_says_nothing_times_out(site: Site) -> None:
    site.configure("ConnectTimeout 1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        unreached(site.target(f"pi@127.0.0.1:{silent.getsockname()[1]}"), "timed_out")


def test_a_host_that_closes_the_connection_is_no_ssh_server(site: Site) -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            taken, _ = listener.accept()
            taken.close()

        threading.Thread(target=answer, daemon=True).start()
        unreached(site.target(f"pi@127.0.0.1:{listener.getsockname()[1]}"), "connection_lost")


def test_an_account_that_allows_sftp_alone_has_no_shell(site: Site) -> None:
    server = site.server(options=("ForceCommand internal-sftp",))
    unreached(site.target(server), "no_shell")


def test_an_account_without_a_shell_says_so(site: Site) -> None:
    server = site.server(options=("ForceCommand echo This account is currently not available.; exit 1",))
    unreached(site.target(server), "no_shell", "not available")


@pytest.mark.parametrize("code", [255, 7])
def test_a_login_that_ends_with_a_code_has_no_shell_even_where_it_is_that_of_ssh_itself(site: Site, code: int) -> None:
    server = site.server(options=(f"ForceCommand exit {code}",))
    unreached(site.target(server), "no_shell", f"the command there ended with code {code}")


def test_a_machine_that_edgeq_has_no_agent_for_is_incompatible(site: Site) -> None:
    tools = site.folder / "tools"
    tools.mkdir()
    (tools / "uname").write_text("#!/bin/sh\necho mips\n")
    (tools / "uname").chmod(0o755)
    server = site.server(options=(f'ForceCommand PATH={tools}:$PATH; eval "$SSH_ORIGINAL_COMMAND"',))
    error = problem(site.target(server))
    assert isinstance(error, BoardError) and error.code == 3 and "mips" in error.message
    assert not server.agents.exists()


def test_an_agent_that_does_not_start_on_the_device_is_incompatible(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.ssh.server import device_folder
    from edgeq_host import agents

    wrong = site.folder / "wrong"
    wrong.write_bytes(b"\x7fELF" + b"\0" * 2000)
    monkeypatch.setattr(agents, "FOLDER", device_folder(site.folder / "devices", "x86_64", wrong))
    monkeypatch.setitem(agents.MACHINES, "aarch64", "x86_64")
    server = site.server()
    error = problem(site.target(server))
    assert isinstance(error, BoardError) and error.code == 3 and "does not start" in error.message
    assert list(server.agents.iterdir()) == []


def test_a_device_without_tools_names_those_that_it_lacks(site: Site, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "uname", "mkdir", "rm", "mv", "ls", "id", "chmod"):
        (tools / name).symlink_to(f"/bin/{name}")
    server = site.server(options=(f'ForceCommand PATH={tools}; eval "$SSH_ORIGINAL_COMMAND"',))
    error = problem(site.target(server))
    assert isinstance(error, BoardError) and "head" in error.message and "sha256sum" in error.message


@pytest.mark.slow
def test_a_login_script_that_waits_for_ever_is_silence(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeq_host.ssh import bootstrap

    monkeypatch.setattr(bootstrap, "LOGIN_S", 0.5)
    site.configure("ConnectTimeout 2")
    server = site.server()
    (server.home / ".bashrc").write_text("sleep 60\n")
    unreached(site.target(server), "timed_out", "login script")


@pytest.mark.parametrize(
    "address",
    [
        *("-oProxyCommand=touch x", "-lroot@host", "ho st", "host;touch x", "$(touch x)", "host:0", "host:65536", "host:22:23", "host:"),
        *(
            "user name@host",
            "us$er@host",
            "-user@host",
            "@host",
            "",
            "[::1",
            "[host]:22",
            "fe80::1",
            "h\u00f6st",
            "host\n",
            "a" * 300,
            "host:²",
        ),
        *("user@", "//", "host:-1", "`id`@host", "[::1]x"),
    ],
)
def test_addresses_that_a_shell_or_ssh_could_misread_are_refused(site: Site, address: str) -> None:
    error = problem(site.target(address))
    assert isinstance(error, UsageError) and error.code == 2 and len(error.message) < 300


@pytest.mark.parametrize("address", ["//{user}@127.0.0.1:{port}/", "127.0.0.1:{port}", "{user}@[::1]:{port}", "[::1]:{port}"])
def test_an_address_may_be_written_as_to_ssh(site: Site, address: str) -> None:
    server = site.server(options=("ListenAddress ::1",))
    site.known.write_text(server.known + server.known.replace("127.0.0.1", "::1"))
    status(site.target(address.format(user=USER, port=server.port)))


def test_an_unknown_client_is_an_error_of_usage(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeq_host.transports import Options, open_transport

    monkeypatch.setenv("EDGEQ_SSH", "putty")
    with pytest.raises(UsageError) as error:
        open_transport("ssh:host", Options())
    assert "putty" in error.value.message and "paramiko" in error.value.hint


def test_a_configuration_that_nobody_can_read_is_an_error_of_usage(site: Site) -> None:
    site.config.write_text("Host *\n  NoSuchKeyword yes\n")
    error = problem(site.target("host"))
    assert error.code == 2 and str(site.config) in error.message

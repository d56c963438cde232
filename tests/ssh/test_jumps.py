"""Jump hosts: reached through, and each thing that is wrong with one said to be its own, by both clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.ssh.server import USER, Sshd, fingerprint, free_port, make_key, public
from edgeq_host.deploy import status
from edgeq_host.targets import Target
from tests.ssh.conftest import Site, problem, unreached


@pytest.fixture
def behind(site: Site) -> Callable[..., tuple[Sshd, Target]]:
    """A device that is reached through another sshd. change: replaces the port of the jump host, or of the device."""

    def make(jump_port: int = 0, device_port: int = 0, **more: object) -> tuple[Sshd, Target]:
        jump, device = site.server("jump", **more), site.server("device")
        site.configure(
            f"Host jump\n  HostName 127.0.0.1\n  Port {jump_port or jump.port}\n  User {USER}\n"
            f"Host kitchen\n  HostName 127.0.0.1\n  Port {device_port or device.port}\n  User {USER}\n  ProxyJump jump"
        )
        return device, site.target("kitchen")

    return make


def test_a_device_is_reached_through_a_jump_host(behind: Callable[..., tuple[Sshd, Target]]) -> None:
    device, target = behind()
    status(target)
    assert device.agents.is_dir()


def test_a_jump_host_that_is_down_is_named(behind: Callable[..., tuple[Sshd, Target]]) -> None:
    _, target = behind(jump_port=free_port())
    assert "jump" in unreached(target, "jump_host", "jump", "refused").hint


def test_a_jump_host_that_refuses_the_key_is_named(site: Site, behind: Callable[..., tuple[Sshd, Target]]) -> None:
    _, target = behind()
    (site.folder / "jump" / "authorized_keys").write_text("")
    unreached(target, "jump_host", "jump")


def test_a_device_that_is_down_behind_a_jump_host_is_told_from_the_jump_host(behind: Callable[..., tuple[Sshd, Target]]) -> None:
    _, target = behind(device_port=free_port())
    unreached(target, "connection_refused", "from ")


def test_an_unknown_key_of_a_jump_host_is_shown_and_accepted_as_that_of_a_device(
    site: Site, behind: Callable[..., tuple[Sshd, Target]]
) -> None:
    behind()
    jump, device = site.folder / "jump" / "host_key", site.folder / "device" / "host_key"
    site.known.write_text("")
    error = unreached(site.target("kitchen"), "host_key_unknown", "jump host jump", fingerprint(jump))
    assert "--accept-new-host-key" in error.hint and site.known.read_text() == ""
    status(site.target("kitchen", accept_new_host_key=True))
    assert public(jump) in site.known.read_text() and public(device) in site.known.read_text()


def test_a_changed_key_of_a_jump_host_is_said_to_be_the_jump_hosts(
    site: Site, behind: Callable[..., tuple[Sshd, Target]], tmp_path: Path
) -> None:
    behind()
    jump, old = site.folder / "jump" / "host_key", make_key(tmp_path / "old")
    site.known.write_text(site.known.read_text().replace(public(jump), public(old)))
    target = site.target("kitchen", accept_new_host_key=True)
    unreached(target, "host_key_changed", "jump host jump", fingerprint(old), fingerprint(jump))


def test_a_device_behind_several_jump_hosts_is_reached_and_each_is_named_for_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OpenSSH the configuration of a jump host may name one of its own. Signs that a shell or ssh would expand stay what they are."""
    import tempfile

    (site.folder / "it's 50%h").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(site.folder / "it's 50%h"))
    first, second, device = site.server("first"), site.server("second"), site.server("device")
    site.configure(
        f"Host first\n  HostName 127.0.0.1\n  Port {first.port}\n"
        f"Host second\n  HostName 127.0.0.1\n  Port {second.port}\n  ProxyJump first\n"
        f"Host third\n  HostName 127.0.0.1\n  Port {second.port}\n"
        f"Host kitchen\n  HostName 127.0.0.1\n  Port {device.port}\n  ProxyJump second,third"
    )
    if site.client == "paramiko":  # it takes the jump hosts of the host itself alone
        site.configure(site.config.read_text().replace("  ProxyJump first\n", "").replace("second,third", "first,third"))
    status(site.target("kitchen"))
    assert device.agents.is_dir()
    site.known.write_text(site.known.read_text().replace(second.known, ""))
    middle = "second" if site.client == "openssh" else "third"
    unreached(site.target("kitchen"), "host_key_unknown", f"jump host {middle}", fingerprint(second.host_key))
    status(site.target("kitchen", accept_new_host_key=True))
    second.stop()
    unreached(site.target("kitchen"), "jump_host", middle, "from ")
    assert list((site.folder / "it's 50%h").iterdir()) == []


@pytest.mark.parametrize("client", ["openssh"])  # paramiko takes the jump hosts of the host itself alone
def test_jump_hosts_that_lead_in_a_circle_are_an_error_of_usage(site: Site) -> None:
    site.configure("Host kitchen\n  ProxyJump one\nHost one\n  ProxyJump two\nHost two\n  ProxyJump one")
    error = problem(site.target("kitchen"))
    assert error.code == 2 and "one, two, one" in error.message and "ProxyJump" in error.hint


def test_a_proxy_command_is_used_and_named_when_it_fails(site: Site) -> None:
    import sys

    server = site.server()
    relay = Path(__file__).with_name("relay.py")
    site.configure(
        f"Host kitchen\n  HostName 127.0.0.1\n  Port {server.port}\n  User {USER}\n  ProxyCommand {sys.executable} {relay} %h %p"
    )
    status(site.target("kitchen"))
    site.configure(f"Host kitchen\n  HostName 127.0.0.1\n  Port {server.port}\n  User {USER}\n  ProxyCommand false")
    unreached(site.target("kitchen"), "jump_host", "false")

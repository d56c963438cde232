"""Where the agent is put when the home will not do, and what is said when nothing will."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bench.ssh.server import USER, Sshd, device_folder, wait_until
from edgeq_host import agents
from edgeq_host.bench.board import measure
from edgeq_host.deploy import status
from edgeq_host.errors import LinkError
from edgeq_host.plan import plan
from edgeq_host.probe import probe
from edgeq_host.targets import Target
from tests.agent.conftest import packed
from tests.cli.conftest import Edgeq
from tests.cli.conftest import edgeq as edgeq
from tests.ssh.conftest import Site

PLACES = ("/var/tmp", "/dev/shm", "/tmp")
KEPT = Path(f"/mnt/edgeq-test-{os.getpid()}")
Private = Callable[..., Sshd]


@pytest.fixture
def private(site: Site) -> Iterator[Private]:
    """A server whose sessions see a file system of their own: each of PLACES, and the home, mounted as the test says ("" is left alone).

    Made by the session itself in a mount namespace, so nothing outside changes.
    """

    def make(home: str = "", places: str = "", before: str = "true") -> Sshd:
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
            pytest.skip("mount namespaces are not permitted here")
        server = site.server(start=False)
        script, keep = server.folder / "session", server.folder
        lines = ["#!/bin/sh", "set -e"]  # where a mount fails nothing may be tried in the real places
        if places:
            # Mounting over /tmp hides the server's folder: it is bound elsewhere before, and back after.
            lines += [f"mkdir -p {KEPT}; mount --bind {keep} {KEPT}"]
            lines += [f"mount -t tmpfs -o {places} none {place}" for place in PLACES]
            lines += [f"mount -o remount,rw /tmp; mkdir -p {keep}; mount --bind {KEPT} {keep}; mount -o remount,{places} /tmp"]
        lines += [f"mount -t tmpfs -o {home} none {server.home}"] if home else []
        lines += [before, 'exec bash -c "$SSH_ORIGINAL_COMMAND"']
        script.write_text("\n".join(lines) + "\n")
        script.chmod(0o755)
        server.options = (f"ForceCommand exec unshare --mount {script}",)
        return server.start()

    yield make
    if KEPT.is_dir():
        KEPT.rmdir()


def refused(site: Site, server: Sshd, *words: str) -> LinkError:
    with pytest.raises(LinkError) as caught:
        status(site.target(server))
    error = caught.value
    assert (error.code, error.kind) == (4, "no_place"), error.message
    for word in words:
        assert word in error.message, (word, error.message)
    assert "XDG_DATA_HOME" in error.hint
    return error


@pytest.mark.parametrize("home", ["size=64k", "noexec", "ro"])
def test_another_place_is_taken_where_the_home_is_full_noexec_or_read_only(site: Site, private: Private, home: str) -> None:
    server = private(home=home, before="mount -t tmpfs -o mode=1777 none /var/tmp; ls -ld /var/tmp >/dev/null")
    assert status(site.target(server)).device.agent.startswith("edgeq-agent")
    assert not server.agents.exists()


@pytest.mark.parametrize(
    ("how", "reason"), [("size=64k,mode=1777", "no space"), ("noexec,mode=1777", "noexec"), ("ro,mode=1777", "Read-only file system")]
)
def test_each_place_is_named_with_its_reason_where_none_will_do(site: Site, private: Private, how: str, reason: str) -> None:
    server = private(home=how, places=how)
    error = refused(site, server, reason, f"{server.home}/.local/share/edgeq/agents: ", *(f"{place}/edgeq-agents-" for place in PLACES))
    assert error.message.count(reason) == 4, error.message


def test_a_disk_that_fills_up_during_the_transfer_is_said(site: Site, private: Private) -> None:
    """df says that there is room; writing says that there is not."""
    lie = "df() { echo; echo none 9 9 9999999 9 /; }; export -f df"
    server = private(home="size=100k", places="size=100k,mode=1777")
    script = server.folder / "session"
    text = script.read_text().replace("#!/bin/sh", f"#!/bin/bash\n{lie}")
    text = text.replace("exec bash -c", """exec bash -c 'sh() { bash "$@"; }; eval "$0"'""")
    script.write_text(text)
    error = refused(site, server, "bytes could be written")
    assert error.message.count("could be written") == 4


@pytest.mark.parametrize("trap", ["link", "of another", "open to all"])
def test_a_folder_in_tmp_that_somebody_has_prepared_is_not_used(site: Site, private: Private, trap: str) -> None:
    make = {
        "link": "mkdir -p /tmp/theirs; ln -s /tmp/theirs",
        "of another": "f() { mkdir $1; chown 12345 $1; }; f",
        "open to all": "f() { mkdir -m 777 $1; }; f",
    }[trap]
    before = "; ".join(f"{make} {place}/edgeq-agents-{os.getuid()}" for place in PLACES)
    server = private(home="noexec", places="mode=1777", before=before)
    reason = {"link": "it is a link", "of another": "belongs to user 12345", "open to all": "others may write"}[trap]
    refused(site, server, reason)


@pytest.fixture
def missing_agent(site: Site, local_agents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """One that no place has yet; its size."""
    own = tmp_path / "own-agent"
    own.write_bytes((local_agents / platform.machine() / agents.AGENT).read_bytes() + site.client.encode())
    monkeypatch.setattr(agents, "FOLDER", device_folder(tmp_path / "own", platform.machine(), own))
    return own.stat().st_size


def test_a_plan_leaves_nothing_on_the_device_and_counts_the_agent_that_is_missing(site: Site, missing_agent: int) -> None:
    server = site.server()
    shm = Path(f"/dev/shm/edgeq-agents-{os.getuid()}")
    before = set(shm.iterdir()) if shm.is_dir() else set()
    file = site.file("kws", packed(1))
    found = plan(site.target(server), file)
    assert not list(server.home.rglob("*"))
    assert found.agent_bytes == missing_agent and found.send_bytes == missing_agent + file.stat().st_size
    assert found.store.free - found.store.free_after == found.send_bytes  # both come to the disk of the home
    assert found.changes[0] == f"brings the agent, {missing_agent} bytes, which stays there" and len(found.changes) == 2
    wait_until(lambda: (set(shm.iterdir()) if shm.is_dir() else set()) <= before, "the agent is removed from memory")
    status(site.target(server))
    assert list(server.agents.iterdir())
    again = plan(site.target(server), file)
    assert len(list(server.agents.iterdir())) == 1
    assert (again.agent_bytes, again.send_bytes, len(again.changes)) == (0, file.stat().st_size, 1)


@pytest.mark.parametrize("ask", [probe, partial(measure, rounds=1)], ids=["probe", "measure"])
def test_what_only_asks_leaves_nothing_on_the_device(site: Site, missing_agent: int, ask: Callable[[Target], object]) -> None:
    server = site.server()
    ask(site.target(server))
    assert not list(server.home.rglob("*"))
    wait_until(lambda: not server.agents_running(), "the agent is gone")


@pytest.mark.parametrize(("shm", "where"), [("mode=1777", "memory"), ("noexec", "on the disk")])
def test_a_plan_says_where_the_agent_lies_meanwhile(
    site: Site, private: Private, missing_agent: int, edgeq: Edgeq, shm: str, where: str
) -> None:
    server = private(before=f"mount -t tmpfs -o {shm} none /dev/shm")
    file = site.file("kws", packed(1))
    found = edgeq("plan", file, "-b", f"ssh://{USER}@127.0.0.1:{server.port}", "--ssh", site.client)
    assert found.code == 0, found
    wait_until(lambda: not list(server.home.rglob("edgeq-agent*")), "the agent is removed from the disk")
    line = next(line for line in found.out.splitlines() if line.startswith("  agent "))
    assert "not there yet" in line and f"({where}" in line and "removed again" in line
    assert f"would: brings the agent, {missing_agent} bytes" in found.out

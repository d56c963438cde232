"""devices setup over ssh: an interpreter of the device that is none, or says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.ssh.server import wait_until
from edgeq_host.errors import BoardError, LinkError
from edgeq_host.setup import session
from edgeq_host.setup.session import PythonSession
from tests.ssh.conftest import Site, needs


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()


def test_an_interpreter_that_says_nothing_does_not_stay_running(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    server, note = site.server(), site.folder / "pid"
    stuck = site.folder / "stuck"
    stuck.write_text(f"#!/bin/sh\necho $$ >{note}\nexec sleep 300\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(session, "QUIET_S", 3.0)
    with PythonSession(site.target(server), str(stuck)) as there:
        with pytest.raises(LinkError, match="silent for 3 s; it was ended there"):
            there.order("look")
        wait_until(lambda: not runs(int(note.read_text())), "it is gone")


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox ash", "fish", "tcsh"])
def test_every_login_shell_starts_the_interpreter_and_says_what_is_wrong_with_it(site: Site, shell: str) -> None:
    needs(shell.split()[0], "dash bash busybox-static fish csh tcsh")
    server = site.server(options=(f'ForceCommand exec {shell} -c "$SSH_ORIGINAL_COMMAND"',))
    with PythonSession(site.target(server)) as there:
        assert there.order("look")["python"].startswith("3.")
    with PythonSession(site.target(server), "false") as there, pytest.raises(BoardError, match="false is no Python: it ended with code 1"):
        there.order("look")
    with PythonSession(site.target(server), "python9") as there, pytest.raises(BoardError, match="there is no python9"):
        there.order("look")

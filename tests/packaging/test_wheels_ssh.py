"""From the installed wheels, over a real sshd: the agent, a deploy, and the Python package on the device."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.ssh.server import USER, Sshd, make_key, running
from tests.agent.conftest import packed
from tests.packaging.test_wheels import Installed, Wheels, clean
from tests.packaging.test_wheels import installed as installed
from tests.packaging.test_wheels import wheels as wheels
from tests.ssh.conftest import needs

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("client", ["openssh", "paramiko"])
def test_a_device_is_reached_deployed_to_and_made_ready(installed: Installed, wheels: Wheels, client: str, tmp_path: Path) -> None:
    needs("sshd", "openssh-server")
    (tmp_path / "bin").mkdir()
    for name in ("ssh", "sh"):
        os.symlink(str(shutil.which(name)), tmp_path / "bin" / name)
    key = make_key(tmp_path / "id")
    (tmp_path / "kws.eqm").write_bytes(packed(1))
    with running(Sshd(tmp_path / "device", key)) as server:
        (tmp_path / "known").write_text(server.known)
        config = f"Host *\n  IdentityFile {key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {tmp_path}/known\n"
        (tmp_path / "config").write_text(config)
        env = {**clean(), "PATH": f"{installed.bin}:{tmp_path}/bin", "HOME": str(tmp_path), "EDGEQ_SSH": client}
        env["EDGEQ_SSH_CONFIG"] = str(tmp_path / "config")
        address = f"{USER}@127.0.0.1:{server.port}"
        python = os.path.realpath(sys.executable)
        for words in (
            ["status", "-b", address],
            ["deploy", "kws.eqm", "-b", address],
            ["devices", "setup", address, "--python", "--interpreter", python],
        ):
            done = subprocess.run([installed.bin / "edgeq", *words], env=env, cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        code = "import edgeq_runtime; print(edgeq_runtime.open('kws').version, edgeq_runtime.__file__)"
        there = {**clean(), "HOME": str(server.home)}
        said = subprocess.run([python, "-c", code], env=there, cwd="/", capture_output=True, text=True)
        assert said.stdout.startswith("1 ") and str(server.home) in said.stdout, said.stderr

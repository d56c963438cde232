"""A plan is watched by strace while it works: on the device it opens nothing for writing, makes nothing, renames and removes nothing."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host.plan import plan
from edgeq_host.preflight import preflight
from edgeq_host.signing import seal
from tests.agent.conftest import Local, packed

CHANGES = "mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,truncate,ftruncate"
CHANGES += ",chmod,fchmod,fchmodat,chown,fchown,fchownat,utimensat,fallocate,flock,fsync,fdatasync,sync,syncfs,setxattr,creat,bind,connect"
OPENS = "open,openat,openat2"
OUTPUT = "write,writev,pwrite64,pwritev,sendto,sendmsg"


def calls(log: Path) -> list[str]:
    return [line.split(" ", 1)[1].strip() for line in log.read_text().splitlines() if "(" in line]


def watched(local: Local) -> tuple[Local, Path]:
    log = local.folder / "calls"
    command = f"strace -f -qq -o {log} -e trace={OPENS},{CHANGES},{OUTPUT}"
    return replace(local, target=replace(local.target, address=local.target.address.replace("pipe:", f"pipe:{command} "))), log


@pytest.mark.parametrize("installed", ["nothing", "another", "this file"])
def test_a_plan_writes_nothing_on_the_device(local: Local, installed: str) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    file = local.file("kws", packed(1))
    if installed != "nothing":
        d.deploy(local.target, local.file("kws", packed(2 if installed == "another" else 1)))
    file.write_bytes(packed(1))
    there, log = watched(local)
    for ask in (
        lambda: plan(there.target, file),
        lambda: preflight(there.target, "kws", len(file.read_bytes()), "00" * 32, seal(file.read_bytes())),
    ):
        ask()
        seen = calls(log)
        assert any(call.startswith("openat") for call in seen), "strace has seen nothing"
        names = OUTPUT.split(",")
        for call in seen:
            name = call.split("(")[0]
            if name in names:
                assert re.match(rf"{name}\(1, ", call), f"it writes to something else than its output: {call}"
            elif name in OPENS.split(","):
                assert not re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", call) or "ENOENT" in call, call
            else:
                raise AssertionError(call)


def test_the_watch_sees_a_deploy(local: Local) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    there, log = watched(local)
    d.deploy(there.target, local.file("kws", packed(1)))
    seen = {call.split("(")[0] for call in calls(log)}
    assert {"renameat", "fsync", "flock"} <= seen or {"rename", "fsync", "flock"} <= seen

"""Bring one problem about, for the device `kitchen`. Words that are given go to the command: more of deploy, or another one."""

from __future__ import annotations

import subprocess
import threading
import time

from bench.ssh.server import USER, Sshd, free_port, make_key, public, wait_until
from edgeq_host import keys, signing
from tests.agent.conftest import packed
from tests.problems.conftest import Bench, path_with
from tests.ssh.models import heavy

TOOLS = ("sh", "cat", "chmod", "df", "head", "id", "ls", "mkdir", "mv", "rm", "sync", "uname", "bash", "sha256sum")


def nothing_listens(b: Bench) -> None:
    b.device(f"ssh://{USER}@127.0.0.1:{free_port()}", b.site.server())


def no_such_name(b: Bench) -> None:
    b.device(f"ssh://{USER}@no-such-host.invalid", b.site.server())


def nobody_answers(b: Bench) -> None:
    proxy = b.site.proxy(b.site.server())
    proxy.frozen = True
    b.site.configure("ConnectTimeout 1\n")
    b.device(server=proxy)


def host_key_changed(b: Bench) -> None:
    server = b.site.server(known=False)
    b.site.known.write_text(f"[127.0.0.1]:{server.port} {public(make_key(b.project / 'old'))}\n")
    b.device(server=server)


def host_key_unknown(b: Bench) -> None:
    b.device(known=False)


def key_refused(b: Bench) -> None:
    b.site.configure(key=make_key(b.project / "other"))
    b.device()


def jump_host_down(b: Bench) -> None:
    server = b.site.server()
    jump = f"{USER}@127.0.0.1:{free_port()}"
    b.site.configure(f"Host kitchen-host\n  HostName 127.0.0.1\n  Port {server.port}\n  ProxyJump {jump}\n")
    b.device(f"ssh://{USER}@kitchen-host", server)


def an_option_in_the_place_of_a_host(b: Bench) -> list[object]:
    return ["-b", "ssh://-oProxyCommand=touch${IFS}hacked"]


def no_shell(b: Bench) -> None:
    server = b.site.server()
    server.stop()
    server.options = ("ForceCommand false",)
    b.device(server=server.start())


def a_machine_without_agent(b: Bench) -> None:
    folder = b.project / "bin"
    folder.mkdir()
    (folder / "uname").write_text("#!/bin/sh\necho riscv64\n")
    (folder / "uname").chmod(0o755)
    b.session(f"PATH={folder}:$PATH; export PATH")


def no_tools(b: Bench) -> None:
    b.session(f"PATH={path_with(b.project / 'bin', ['sh', 'uname'])}; export PATH")


def _enrolled(b: Bench) -> None:
    b.device()
    for words in (["key", "new", "-o", "release.key"], ["key", "enroll", "release.pub", "-b", "kitchen"]):
        assert b.edgeq(*words).code == 0, words


def not_signed(b: Bench) -> None:
    _enrolled(b)


def signed_by_another(b: Bench) -> None:
    _enrolled(b)
    assert b.edgeq("key", "new", "-o", "other.key").code == 0
    assert b.edgeq("sign", b.file, "--counter", 1, "--key", "other.key").code == 0


def older_than_what_was_there(b: Bench) -> None:
    _enrolled(b)
    older = b.file.read_bytes()
    b.file.write_bytes(packed(2))
    assert b.edgeq("sign", b.file, "--counter", 5, "--key", "release.key").code == 0
    assert b.deploy().code == 0
    b.file.write_bytes(older)
    assert b.edgeq("sign", b.file, "--counter", 4, "--key", "release.key").code == 0


def home_of_noexec(b: Bench) -> None:
    """The agent goes elsewhere: no problem at all."""
    home = b.mount("noexec,size=20m")
    (b.project / "run").mkdir(mode=0o700)
    b.session(f"export HOME={home} XDG_RUNTIME_DIR={b.project / 'run'}")


def disk_full(b: Bench) -> None:
    disk = b.mount("size=64k")
    b.file.write_bytes(packed(1, 20_000))
    b.device(environment={"EDGEQ_STORE": str(disk / "store")})


def disk_read_only(b: Bench) -> None:
    disk = b.mount("size=64k")
    subprocess.run(["mount", "-o", "remount,ro,noexec", str(disk)], check=True)
    b.device(environment={"EDGEQ_STORE": str(disk / "store")})


def the_same_file_on_a_disk_read_only(b: Bench) -> list[object]:
    """Nothing has to be written, for as many versions as are kept already."""
    disk = b.mount("size=64k")
    b.device(environment={"EDGEQ_STORE": str(disk / "store")})
    assert b.deploy().code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    return ["--keep", "2"]


def store_is_a_file(b: Bench) -> None:
    (b.project / "a_file").write_text("")
    b.device(environment={"EDGEQ_STORE": str(b.project / "a_file")})


def record_damaged(b: Bench) -> None:
    server = b.device()
    assert isinstance(server, Sshd) and b.deploy().code == 0
    (server.store / "kws" / "state").write_bytes(b"damaged")
    b.file.write_bytes(packed(2))


def _locked(b: Bench) -> keys.PrivateKey:
    """The device has a key."""
    b.device()
    keys.create(b.project / "release.key", "release")
    assert b.edgeq("key", "enroll", b.project / "release.pub", "-b", "kitchen").code == 0
    return keys.read_private(keys.Secret(file=b.project / "release.key"), None)


def file_unsigned(b: Bench) -> None:
    _locked(b)


def file_older(b: Bench) -> None:
    key = _locked(b)
    b.file.write_bytes(signing.sign(packed(1), "kws", key, 5))
    assert b.deploy().code == 0
    b.file.write_bytes(signing.sign(packed(2), "kws", key, 4))


def file_of_a_stranger(b: Bench) -> None:
    _locked(b)
    keys.create(b.project / "stranger.key", "stranger")
    stranger = keys.read_private(keys.Secret(file=b.project / "stranger.key"), None)
    b.file.write_bytes(signing.sign(packed(1), "kws", stranger, 1))


def somebody_else_deploys(b: Bench) -> None:
    server = b.device()
    assert isinstance(server, Sshd)
    server.store.mkdir(parents=True)
    held = subprocess.Popen(["flock", str(server.store / ".lock"), "sleep", "20"])
    b.at_close(held.kill)
    wait_until(lambda: subprocess.run(["flock", "-n", str(server.store / ".lock"), "true"]).returncode != 0, "the store is held")


def memory_too_small(b: Bench) -> None:
    b.file.write_bytes(heavy(30))
    b.session("ulimit -v 40000")


def clock_wrong(b: Bench) -> None:
    """Of this machine, which is the same to the two."""
    b.device()
    there = time.time
    b.monkeypatch.setattr(time, "time", lambda: there() - 7200)


def selftest_fails(b: Bench) -> None:
    b.device()
    b.file.write_bytes(packed(1, break_output=True))


def _faulty(b: Bench, fault: str) -> None:
    b.use_faulty_agent()
    b.device(environment={"EDGEQ_TEST_FAULT": fault})


def selftest_crashes(b: Bench) -> None:
    _faulty(b, "crash")


def selftest_hangs(b: Bench) -> list[object]:
    _faulty(b, "hang")
    return ["--timeout", "1"]


def file_damaged(b: Bench) -> None:
    b.device()
    data = bytearray(b.file.read_bytes())
    data[100] ^= 1
    b.file.write_bytes(data)


def file_missing(b: Bench) -> None:
    b.device()
    b.file.unlink()


def slow_line(b: Bench) -> None:
    server = b.site.server()
    b.device(server=server)
    assert b.deploy().code == 0  # the agent is there
    proxy = b.site.proxy(server, bytes_per_s=20_000)
    b.file.write_bytes(packed(2, 8000))
    b.edgeq("devices", "remove", "kitchen")
    b.device(server=proxy)


def line_cut(b: Bench) -> None:
    server = b.site.server()
    b.device(server=server)
    assert b.deploy().code == 0
    b.file.write_bytes(packed(2, 100_000))
    b.edgeq("devices", "remove", "kitchen")
    b.device(server=b.site.proxy(server, cut_after=300_000))


def agent_killed(b: Bench) -> None:
    server = b.site.server()
    b.device(server=server)
    assert b.deploy().code == 0
    b.file.write_bytes(packed(2, 200_000))
    b.edgeq("devices", "remove", "kitchen")
    b.device(server=b.site.proxy(server, bytes_per_s=400_000))

    def kill() -> None:
        wait_until(lambda: list(server.store.glob("kws/part-*")), "the upload has begun")
        server.kill_sessions()

    threading.Thread(target=kill, daemon=True).start()


def agents_not_built(b: Bench) -> None:
    b.device()
    b.no_agents()


def two_devices_fit(b: Bench) -> list[object]:
    b.device()
    b.edgeq("devices", "add", "attic", "pi@attic", "--board", "generic_x86_64")
    return ["-b", "generic_x86_64"]


def old_libc_for_python(b: Bench) -> list[object]:
    folder = b.project / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import os\nos.confstr = lambda name: 'glibc 2.12'\n")
    b.session(f"export PYTHONPATH={folder}")
    return ["devices", "setup", "kitchen", "--python"]


def half_a_python(b: Bench) -> list[object]:
    """As python3-minimal is."""
    folder = b.project / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['json'] = None\n")
    b.session(f"export PYTHONPATH={folder}")
    return ["devices", "setup", "kitchen", "--python"]


def no_python(b: Bench) -> list[object]:
    b.session(f"PATH={path_with(b.project / 'bin', TOOLS)}; export PATH")
    return ["devices", "setup", "kitchen", "--python"]


def no_systemd(b: Bench) -> list[object]:
    b.session(f"PATH={path_with(b.project / 'bin', (*TOOLS, 'python3'))}; export PATH")
    return ["devices", "setup", "kitchen", "--service", "camera", "--run", "/bin/true"]


def greetings(b: Bench) -> None:
    """Whatever login scripts print is passed over."""
    b.session("echo Welcome to kitchen; printf '\\000\\001edgeq-'; echo; echo more >&2")

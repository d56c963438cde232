"""What goes wrong on the way to a device and on it: each problem gives its exit code and names its remedy, and what a plan can see it
predicts. Every problem is a real one: a real sshd, real file systems, real limits."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.agent.conftest import packed
from tests.problems.conftest import Bench, path_with
from tests.ssh.models import heavy
from tests.ssh.servers import USER, Sshd, free_port, make_key, public

pytestmark = pytest.mark.slow
TOOLS = ("sh", "cat", "chmod", "df", "head", "id", "ls", "mkdir", "mv", "rm", "sync", "uname", "bash", "sha256sum")
UNSEEN = "unseen"  # a plan cannot know it


@dataclass(frozen=True)
class Problem:
    """make: bring it about; it may give more words of deploy, or another command. code, text, hint: of the command. plan: what plan
    does: the same exit code ("same"), a risk that predicts the code ("predicts"), a risk of that name, or UNSEEN."""

    make: Callable[[Bench], list[object] | None]
    code: int
    text: str
    hint: str
    plan: str = "same"


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


def an_option_in_the_place_of_a_host(b: Bench) -> None:
    b.device("ssh://-oProxyCommand=touch${IFS}hacked", b.site.server())


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


def home_of_noexec(b: Bench) -> None:
    """The agent goes elsewhere: no problem at all."""
    home = b.mount("noexec,size=20m")
    b.session(f"export HOME={home}")


def disk_full(b: Bench) -> None:
    disk = b.mount("size=64k")
    b.file.write_bytes(packed(1, 20_000))
    b.device(environment={"EDGEQ_STORE": str(disk / "store")})


def disk_read_only(b: Bench) -> None:
    disk = b.mount("size=64k")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    b.device(environment={"EDGEQ_STORE": str(disk / "store")})


def store_is_a_file(b: Bench) -> None:
    (b.project / "a_file").write_text("")
    b.device(environment={"EDGEQ_STORE": str(b.project / "a_file")})


def record_damaged(b: Bench) -> None:
    server = b.device()
    assert isinstance(server, Sshd) and b.deploy().code == 0
    (server.store / "kws" / "state").write_bytes(b"damaged")
    b.file.write_bytes(packed(2))


def somebody_else_deploys(b: Bench) -> None:
    server = b.device()
    assert isinstance(server, Sshd)
    server.store.mkdir(parents=True)
    held = subprocess.Popen(["flock", str(server.store / ".lock"), "sleep", "20"])
    b.at_close(held.kill)
    while subprocess.run(["flock", "-n", str(server.store / ".lock"), "true"]).returncode == 0:
        time.sleep(0.01)


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
        end = time.monotonic() + 20
        while time.monotonic() < end and not list(server.store.glob("kws/part-*")):
            time.sleep(0.01)
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


def no_python(b: Bench) -> list[object]:
    b.session(f"PATH={path_with(b.project / 'bin', TOOLS)}; export PATH")
    return ["devices", "setup", "kitchen", "--python"]


def no_systemd(b: Bench) -> list[object]:
    b.session(f"PATH={path_with(b.project / 'bin', (*TOOLS, 'python3'))}; export PATH")
    return ["devices", "setup", "kitchen", "--service", "camera", "--run", "/bin/true"]


def greetings(b: Bench) -> None:
    """Whatever login scripts print is passed over."""
    b.session("echo Welcome to kitchen; printf '\\000\\001edgeq-'; echo; echo more >&2")


PROBLEMS = {
    "nothing listens": Problem(nothing_listens, 4, "refused", "on|address|port"),
    "no such name": Problem(no_such_name, 4, "no-such-host.invalid", "name|spell|address"),
    "nobody answers": Problem(nobody_answers, 4, "127.0.0.1", "on|network|reach"),
    "host key changed": Problem(host_key_changed, 4, "SHA256:.*SHA256:", "ssh-keygen"),
    "host key unknown": Problem(host_key_unknown, 4, "SHA256:", "--accept-new-host-key"),
    "key refused": Problem(key_refused, 4, "key|denied", "authorized_keys|ssh-copy-id|key"),
    "jump host down": Problem(jump_host_down, 4, "127.0.0.1", "jump|ProxyJump|ssh"),
    "an option in the place of a host": Problem(an_option_in_the_place_of_a_host, 2, "-oProxyCommand", "host"),
    "no shell": Problem(no_shell, 4, "shell|command|ended", "shell|login|ssh"),
    "a machine without agent": Problem(a_machine_without_agent, 3, "riscv64", "Arm"),
    "no tools": Problem(no_tools, 3, "lacks", "coreutils|busybox"),
    "home of noexec": Problem(home_of_noexec, 0, "", "", UNSEEN),
    "disk full": Problem(disk_full, 3, "full", "free space", "predicts"),
    "disk read-only": Problem(disk_read_only, 3, "read-only|may not write", "store", "predicts"),
    "store is a file": Problem(store_is_a_file, 2, "no folder", "EDGEQ_STORE", "predicts"),
    "record damaged": Problem(record_damaged, 3, "record", "edgeq remove kws", "predicts"),
    "somebody else deploys": Problem(somebody_else_deploys, 3, "another program", "wait", UNSEEN),
    "memory too small": Problem(memory_too_small, 3, "memory", "smaller model"),
    "clock wrong": Problem(clock_wrong, 0, "", "", "clock"),
    "self-test fails": Problem(selftest_fails, 5, "self-test", "report", UNSEEN),
    "self-test crashes": Problem(selftest_crashes, 5, "crashed", "previous version", UNSEEN),
    "self-test hangs": Problem(selftest_hangs, 5, "did not end", "--timeout", UNSEEN),
    "file damaged": Problem(file_damaged, 3, "kws.eqm", "again"),
    "file missing": Problem(file_missing, 2, "kws.eqm", ".eqm file"),
    "20 kB a second": Problem(slow_line, 0, "", "", UNSEEN),
    "line cut": Problem(line_cut, 4, "lost|closed|reset|ended", "repeat", UNSEEN),
    "agent killed": Problem(agent_killed, 4, "killed|lost|ended", "repeat", UNSEEN),
    "agents not built": Problem(agents_not_built, 2, "not there", "make agents"),
    "two devices fit": Problem(two_devices_fit, 2, "2 devices", "--all", UNSEEN),
    "old libc for Python": Problem(old_libc_for_python, 3, "glibc 2.12", "without it", UNSEEN),
    "no Python": Problem(no_python, 3, "no python3", "--interpreter", UNSEEN),
    "no systemd": Problem(no_systemd, 3, "systemctl", "systemd", UNSEEN),
    "greetings of the login shell": Problem(greetings, 0, "", "", UNSEEN),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_problem_has_its_code_and_names_its_remedy(name: str, bench: Bench) -> None:
    problem = PROBLEMS[name]
    words = problem.make(bench) or []
    if problem.plan != UNSEEN:
        seen(bench, problem)
    command = words if words[:1] == ["devices"] else ["deploy", bench.file, *([] if "-b" in words else ["-b", "kitchen"]), *words]
    done = bench.edgeq(*command)
    assert done.code == problem.code, done
    if problem.code:
        text, _, hint = done.err.partition("hint:")
        assert re.search(problem.text, text, re.S), done.err
        assert re.search(problem.hint, hint), done.err
    assert "Traceback" not in done.err and "PRIVATE KEY" not in done.err


def seen(bench: Bench, problem: Problem) -> None:
    """What plan says before anything is sent."""
    code, predicted, risks = bench.plan()
    if problem.plan == "same":
        assert code == problem.code
    elif problem.plan == "predicts":
        assert problem.code in predicted or code == problem.code, (code, predicted, risks)
    else:
        assert problem.plan in risks or code == problem.code, (code, risks)


def test_there_are_thirty() -> None:
    assert len(PROBLEMS) >= 30


def test_a_line_that_was_cut_goes_on_where_it_stopped(bench: Bench) -> None:
    server = bench.site.server()
    bench.device(server=server)
    assert bench.deploy().code == 0
    bench.file.write_bytes(packed(2, 100_000))
    size = bench.file.stat().st_size
    bench.edgeq("devices", "remove", "kitchen")
    bench.device(server=bench.site.proxy(server, cut_after=400_000))
    assert bench.deploy().code == 4
    bench.edgeq("devices", "remove", "kitchen")
    again = bench.site.proxy(server)
    bench.device(server=again)
    left = bench.edgeq("plan", bench.file, "-b", "kitchen", "--json").json["send_bytes"]
    assert 0 < left < size - 200_000
    before = again.bytes_up
    assert bench.deploy().code == 0
    assert left <= again.bytes_up - before < left + 60_000


def test_of_two_deploys_at_once_one_is_done_and_the_other_told(bench: Bench) -> None:
    server = bench.site.server()
    bench.device(server=server)
    assert bench.deploy().code == 0
    slow = bench.site.proxy(server, bytes_per_s=100_000)
    bench.edgeq("devices", "add", "attic", f"ssh://{USER}@127.0.0.1:{slow.port}", "--board", "generic_x86_64")
    from edgeq_host import targets
    from edgeq_host.deploy import deploy

    (other,) = targets.resolve(["attic"])
    large = bench.project / "large.eqm"
    large.write_bytes(packed(3, 40_000))
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(deploy(other, large, "kws").version))
    thread.start()
    while not list(server.store.glob("kws/part-*")):
        time.sleep(0.01)
    bench.file.write_bytes(packed(2))
    refused = bench.deploy()
    assert refused.code == 3 and "another program is changing the store" in refused.err
    thread.join(60)
    assert codes == [2]

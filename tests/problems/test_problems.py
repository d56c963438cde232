"""What goes wrong on the way to a device and on it: each problem gives its exit code and names its remedy, and what a plan can see it
predicts. Every problem is a real one: a real sshd, real file systems, real limits."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bench.ssh.server import USER, wait_until
from tests.agent.conftest import packed
from tests.problems import make
from tests.problems.conftest import Bench

pytestmark = pytest.mark.slow
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


PROBLEMS = {
    "nothing listens": Problem(make.nothing_listens, 4, "refused", "on|address|port"),
    "no such name": Problem(make.no_such_name, 4, "no-such-host.invalid", "name|spell|address"),
    "nobody answers": Problem(make.nobody_answers, 4, "127.0.0.1", "on|network|reach"),
    "host key changed": Problem(make.host_key_changed, 4, "SHA256:.*SHA256:", "ssh-keygen"),
    "host key unknown": Problem(make.host_key_unknown, 4, "SHA256:", "--accept-new-host-key"),
    "key refused": Problem(make.key_refused, 4, "key|denied", "authorized_keys|ssh-copy-id|key"),
    "jump host down": Problem(make.jump_host_down, 4, "127.0.0.1", "jump|ProxyJump|ssh"),
    "an option in the place of a host": Problem(make.an_option_in_the_place_of_a_host, 2, "-oProxyCommand", "host", UNSEEN),
    "no shell": Problem(make.no_shell, 4, "shell|command|ended", "shell|login|ssh"),
    "a machine without agent": Problem(make.a_machine_without_agent, 3, "riscv64", "Arm"),
    "no tools": Problem(make.no_tools, 3, "lacks", "coreutils|busybox"),
    "not signed": Problem(make.not_signed, 6, "not signed", "edgeq sign", "predicts"),
    "signed by another": Problem(make.signed_by_another, 6, "key", "edgeq", "predicts"),
    "older than what was there": Problem(make.older_than_what_was_there, 6, "older|counter", "--counter", "predicts"),
    "home of noexec": Problem(make.home_of_noexec, 0, "", "", UNSEEN),
    "disk full": Problem(make.disk_full, 3, "full", "free space", "predicts"),
    "disk read-only": Problem(make.disk_read_only, 3, "mounted read-only", "mount it writable", "predicts"),
    "the same file on a disk read-only": Problem(make.the_same_file_on_a_disk_read_only, 0, "", ""),
    "store is a file": Problem(make.store_is_a_file, 2, "no folder", "EDGEQ_STORE", "predicts"),
    "record damaged": Problem(make.record_damaged, 3, "record", "edgeq remove kws", "predicts"),
    "file unsigned": Problem(make.file_unsigned, 6, "not signed.*release", "edgeq sign", "predicts"),
    "file of a stranger": Problem(make.file_of_a_stranger, 6, "not enrolled.*release", "edgeq key", "predicts"),
    "file older": Problem(make.file_older, 6, "counter is 4, that of the newest was 5", "--counter.*edgeq rollback kws", "predicts"),
    "somebody else deploys": Problem(make.somebody_else_deploys, 3, "another program", "wait", "predicts"),
    "memory too small": Problem(make.memory_too_small, 3, "memory", "smaller model"),
    "clock wrong": Problem(make.clock_wrong, 0, "", "", "clock"),
    "self-test fails": Problem(make.selftest_fails, 5, "self-test", "report", UNSEEN),
    "self-test crashes": Problem(make.selftest_crashes, 5, "crashed", "previous version", UNSEEN),
    "self-test hangs": Problem(make.selftest_hangs, 5, "did not end", "--timeout", UNSEEN),
    "file damaged": Problem(make.file_damaged, 3, "kws.eqm", "again"),
    "file missing": Problem(make.file_missing, 2, "kws.eqm", ".eqm file"),
    "20 kB a second": Problem(make.slow_line, 0, "", "", UNSEEN),
    "line cut": Problem(make.line_cut, 4, "lost|closed|reset|ended", "repeat", UNSEEN),
    "agent killed": Problem(make.agent_killed, 4, "killed|lost|ended", "repeat", UNSEEN),
    "agents not built": Problem(make.agents_not_built, 2, "not there", "make agents"),
    "two devices fit": Problem(make.two_devices_fit, 2, "2 devices", "--all", UNSEEN),
    "old libc for Python": Problem(make.old_libc_for_python, 3, "glibc 2.12", "without it", UNSEEN),
    "half a Python": Problem(make.half_a_python, 3, "not whole", "install python3", UNSEEN),
    "no Python": Problem(make.no_python, 3, "no python3", "--interpreter", UNSEEN),
    "no systemd": Problem(make.no_systemd, 3, "systemctl", "systemd", UNSEEN),
    "greetings of the login shell": Problem(make.greetings, 0, "", "", UNSEEN),
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
    # Lost with the cut: the login, a frame (64 KiB) that was under way, and one that sshd had not handed on.
    assert 0 < left < size - 250_000
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
    wait_until(lambda: list(server.store.glob("kws/part-*")), "the upload has begun")
    bench.file.write_bytes(packed(2))
    refused = bench.deploy()
    assert refused.code == 3 and "another program is changing the store" in refused.err
    thread.join(60)
    assert codes == [2]

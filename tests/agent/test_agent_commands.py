"""edgeq-agent's own commands: words, options, output and exit codes, with no host."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.agent.conftest import Local, packed
from tests.signing.conftest import Desk, desk

__all__ = ["desk"]  # a fixture

BAD = packed(9, break_output=True)


def install(local: Local, *seeds: int, options: tuple[str, ...] = ()) -> None:
    for seed in seeds:
        done = local.agent("install", str(local.file(f"n{seed}", packed(seed))), "kws", *options)
        assert done.returncode == 0, done.stderr


def kept(local: Local) -> list[tuple[str, int]]:
    return [(row[1], int(row[2])) for row in (line.split("\t") for line in local.agent("status", "kws").stdout.splitlines())]


def test_versions_are_kept_listed_taken_back_and_removed(local: Local) -> None:
    install(local, 1, 2, 3, options=("--keep", "3"))
    assert kept(local) == [("current", 3), ("previous", 2), ("earlier", 1)]
    assert local.agent("rollback", "kws@1").stdout == "kws: version 1 is current\n"
    assert local.agent("selftest", "kws@2", "--timeout", "5").stdout == "kws: version 2 passed, 1 variant\n"
    assert local.agent("remove", "kws@2").stdout == "kws@2: removed\n"
    assert kept(local) == [("current", 1), ("previous", 3)]
    current = local.agent("remove", "kws@1")
    assert current.returncode == 2 and "this version is the current one" in current.stderr


def test_the_same_file_with_another_number_to_keep(local: Local) -> None:
    install(local, 1, 2, 3, options=("--keep", "3"))
    again = local.agent("install", "--keep", "1", str(local.folder / "n3.eqm"), "kws")
    removed = "kws: version 2 removed\nkws: version 1 removed\n"
    assert (again.returncode, again.stdout) == (0, f"kws: version 3 is this file already\n{removed}") and kept(local) == [("current", 3)]
    assert [line.split("\t")[3:5] for line in local.agent("log").stdout.splitlines()[3:]] == [["2", "removed"], ["1", "removed"]]


@pytest.mark.parametrize(
    "words",
    [
        ["install"],
        ["install", "a", "b", "c"],
        ["install", "a.eqm", "--keep"],
        ["install", "a.eqm", "--keep", "0"],
        ["install", "a.eqm", "--keep", "9"],
        ["install", "a.eqm", "--keep", "2.5"],
        ["install", "a.eqm", "--keep", "two"],
        ["install", "a.eqm", "--timeout", "0"],
        ["install", "a.eqm", "--timeout", "nan"],
        ["install", "a.eqm", "--json"],
        ["install", "a.eqm", "--on"],
        ["install", "a.eqm", "--"],
        ["install", "a.eqm", "-"],
        ["install", "a.eqm", "--keep --timeout"],
        ["install", "a.eqm", "-keep", "4"],
        ["install", "a.eqm", "-once"],
        ["install", "a.eqm", "---once"],
        ["status", "-json"],
        ["status", "--keep", "2"],
        ["remove", "kws", "--json"],
        ["remove"],
        ["log", "a", "b"],
        ["--json"],
        [""],
    ],
)
def test_words_that_are_no_command_are_a_usage_error_and_do_nothing(local: Local, words: list[str]) -> None:
    done = local.agent(*words)
    assert done.returncode == 2 and done.stderr.startswith("usage: edgeq-agent") and not local.store.exists()


@pytest.mark.parametrize("name", ["../x", "kws@0", "kws@x", "kws@", "a/b", "", "a" * 64, "a" * 5000, "\udcff\udcfe", "a\nb"])
@pytest.mark.parametrize("command", ["rollback", "remove", "selftest", "status", "log"])
def test_a_name_that_is_none_is_a_usage_error(local: Local, command: str, name: str) -> None:
    install(local, 1)
    before = sorted(p for p in local.folder.rglob("*"))
    done = local.agent(command, name)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert sorted(p for p in local.folder.rglob("*")) == before


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "a" * 64, "a b"])
def test_an_install_under_a_name_that_is_none_is_a_usage_error(local: Local, name: str) -> None:
    file = local.file("kws", packed(1))
    assert local.agent("install", str(file), name).returncode == 2 and not local.store.exists()


def test_exit_codes_say_what_is_true_afterwards(local: Local) -> None:
    assert local.agent("rollback", "kws").returncode == 2
    install(local, 1)
    assert local.agent("rollback", "kws").returncode == 2  # no previous version
    for name, data, code in (("cut", packed(2)[:-5], 3), ("sick", BAD, 5)):
        done = local.agent("install", str(local.file(name, data)), "kws")
        assert done.returncode == code and kept(local) == [("current", 1)], done.stderr
    for path in (local.folder, Path("/dev/null"), local.folder / "nothing.eqm"):
        assert local.agent("install", str(path), "kws").returncode == 3
    install(local, 2)
    (local.store / "kws/v1.eqm").write_bytes(packed(1)[:-1])
    back = local.agent("rollback", "kws")
    assert back.returncode == 8 and local.agent("selftest", "kws").returncode == 0
    assert local.agent("status").returncode == 3  # a file is damaged


def test_a_rollback_to_a_version_that_fails_its_self_test_is_8_and_changes_nothing(
    local: Local, faulty_agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(local, 1, 2)
    monkeypatch.setenv("EDGEQ_AGENT", str(faulty_agent))
    done = local.agent("rollback", "kws", EDGEQ_TEST_FAULT="crash")
    assert done.returncode == 8 and "crashed (signal" in done.stderr and kept(local) == [("current", 2), ("previous", 1)]
    hung = local.agent("install", str(local.file("n3", packed(3))), "kws", "--timeout", "0.2", EDGEQ_TEST_FAULT="hang")
    assert hung.returncode == 5 and "did not end in its time" in hung.stderr and kept(local) == [("current", 2), ("previous", 1)]


def test_a_file_that_failed_here_is_refused_at_once_where_it_is_asked_for(local: Local) -> None:
    file = str(local.file("sick", BAD))
    assert [local.agent("install", file, "kws", "--once").returncode for _ in range(2)] == [5, 5]
    again = local.agent("install", file, "kws", "--once")
    assert again.stderr == "edgeq-agent: kws: this very file failed its health check here before\n"
    assert local.agent("log", "kws").stdout.count("install failed") == 1
    assert local.agent("install", file, "kws").returncode == 5
    assert local.agent("log", "kws").stdout.count("install failed") == 2


def test_the_log_is_a_table_of_tabs(local: Local) -> None:
    install(local, 1)
    local.agent("install", str(local.file("sick", BAD)), "vww")
    rows = [line.split("\t") for line in local.agent("log").stdout.splitlines()]
    assert [[row[0], *row[2:]] for row in rows] == [
        ["1", "kws", "1", "installed", ""],
        ["2", "vww", "0", "install failed", "the self-test gave other outputs than the file says"],
    ]
    assert all(row[1].startswith("20") and row[1].endswith("Z") for row in rows)
    assert local.agent("log", "vww").stdout.count("\n") == 1 and local.agent("log", "other").stdout == ""


def test_status_and_log_are_json_lines_where_it_is_asked_for(local: Local) -> None:
    install(local, 1, 2)
    (status,) = [json.loads(line) for line in local.agent("status", "--json").stdout.splitlines()]
    versions = [{"version": n, "bytes": len(packed(n)), "sha256": hashlib.sha256(packed(n)).hexdigest()} for n in (2, 1)]
    assert status == {"name": "kws", "version": 2, "keep": 2, "unfinished": 0, "versions": versions}
    entries = [json.loads(line) for line in local.agent("log", "--json").stdout.splitlines()]
    assert [(e["number"], e["event"], e["version"], e["fault"], e["agent"]) for e in entries] == [
        (1, "installed", 1, "", "0.1.0"),
        (2, "installed", 2, "", "0.1.0"),
    ]
    assert entries[1]["sha256"] == versions[0]["sha256"]


def test_an_unfinished_upload_alone_is_a_model_of_no_version(local: Local) -> None:
    (local.store / "kws").mkdir(parents=True)
    (local.store / "kws/part-1").write_bytes(b"rest")
    (status,) = [json.loads(line) for line in local.agent("status", "--json").stdout.splitlines()]
    assert status == {"name": "kws", "version": 0, "keep": 2, "unfinished": 4, "versions": []}


def test_a_reader_that_leaves_does_not_end_the_command_badly(local: Local) -> None:
    install(local, 1)
    done = subprocess.run(f"{os.environ['EDGEQ_AGENT']} log | true", shell=True, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("words", [["status"], ["log"], ["keys"], ["probe"], ["--help"], ["--version"]])
def test_an_output_that_cannot_be_written_is_said_and_one_that_is_closed_is_not(local: Local, words: list[str], desk: Desk) -> None:
    install(local, 1)
    assert local.agent("enroll", str(desk.folder / "release.pub")).returncode == 0
    command = [os.environ["EDGEQ_AGENT"], *words]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr == "edgeq-agent: the output cannot be written; what the command does is done\n"
    closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, timeout=60)
    assert (closed.returncode, closed.stderr) == (0, b"")


def test_an_install_whose_output_cannot_be_written_is_done(local: Local) -> None:
    file = local.file("kws", packed(1))
    with open("/dev/full", "w") as full:
        done = subprocess.run([os.environ["EDGEQ_AGENT"], "install", str(file)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2 and "is done" in done.stderr and kept(local) == [("current", 1)]


def test_a_file_that_is_cut_short_while_it_is_read_is_an_error_and_nothing_is_changed(local: Local) -> None:
    """As on a stick that is pulled out. So large that it is still being read when it is cut."""
    install(local, 1)
    file = local.folder / "large.eqm"
    with file.open("wb") as out:
        out.truncate(1 << 29)
    with subprocess.Popen([os.environ["EDGEQ_AGENT"], "install", str(file), "kws"], stderr=subprocess.PIPE, text=True) as agent:
        while agent.poll() is None and not any(fd.resolve() == file for fd in Path(f"/proc/{agent.pid}/fd").iterdir() if fd.exists()):
            time.sleep(0.001)
        os.truncate(file, 5000)
        _, said = agent.communicate(timeout=60)
    assert agent.returncode == 3 and said == f"edgeq-agent: {file}: it was cut short while it was read\n"
    assert kept(local) == [("current", 1)]

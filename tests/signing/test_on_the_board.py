"""Keys on the device itself, with no host: the first one from a file, and what edgeq-agent install takes then."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.agent.conftest import Local, built_agent, local, packed
from tests.signing.conftest import Desk, openssl
from tests.signing.test_enrolment import parts, signed

__all__ = ["built_agent", "local"]  # fixtures


def test_the_device_itself_enrolls_the_first_key_and_refuses_as_a_host_does(local: Local, desk: Desk) -> None:
    assert "every file" in local.agent("keys").stderr
    pub = str(desk.folder / "release.pub")
    done = local.agent("enroll", pub)
    assert done.returncode == 0 and "release" in done.stdout
    assert local.agent("keys").stdout == f"1\trelease\t{desk.public().id}\n"
    more = local.agent("enroll", str(desk.folder / "other.pub"))
    assert more.returncode == 6 and "--by" in more.stderr
    unsigned, good = local.file("kws", packed(1)), local.file("good", signed(desk, 2))
    refused = local.agent("install", str(unsigned))
    assert refused.returncode == 6 and "not signed" in refused.stderr
    assert local.agent("install", str(good), "kws").returncode == 0
    older = local.agent("install", str(local.file("old", signed(desk, 1, 2))), "kws")
    assert older.returncode == 6 and "older" in older.stderr
    assert parts(local.store) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 9000,
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n" + "A" * 60 + "\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n" + "MCowBQYDK2VwAyEA" * 20 + "\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\0\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA" + "A" * 42 + "!=\n-----END PUBLIC KEY-----\n",
    ],
)
def test_the_device_enrolls_nothing_that_is_no_public_key(local: Local, desk: Desk, text: str) -> None:
    (desk.folder / "bad.pub").write_text(text)
    done = local.agent("enroll", str(desk.folder / "bad.pub"))
    assert done.returncode == 2 and ("PEM" if text else "bytes in it") in done.stderr
    assert not (local.store / ".keys").exists()


def test_the_device_enrolls_a_key_that_openssl_wrote_under_the_files_name(local: Local, desk: Desk) -> None:
    openssl(desk.folder, "pkey -in release.key -pubout -out plain.pub")
    assert local.agent("enroll", str(desk.folder / "plain.pub")).returncode == 0
    assert local.agent("keys").stdout == f"1\tplain\t{desk.public().id}\n"
    assert subprocess.run([os.environ["EDGEQ_AGENT"], "enroll"], capture_output=True).returncode == 2


def test_a_key_that_is_enrolled_is_no_error_and_a_file_that_is_none_does_not_keep_it_waiting(local: Local, desk: Desk) -> None:
    pub = str(desk.folder / "release.pub")
    local.agent("enroll", pub)
    again = local.agent("enroll", pub, "other-name")
    assert (again.returncode, again.stdout) == (0, "release: was enrolled already\n")
    os.mkfifo(desk.folder / "fifo.pub")
    for path in (desk.folder / "fifo.pub", desk.folder, desk.folder / "absent.pub"):
        done = local.agent("enroll", str(path))
        assert done.returncode == 2 and str(path) in done.stderr and done.stdout == ""
    assert local.agent("keys").stdout == f"1\trelease\t{desk.public().id}\n"

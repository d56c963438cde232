"""Signatures on the processors of devices, emulated: 64-bit and 32-bit Arm verify as this machine does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_host import signing
from edgeq_host.export.container import TRAILER_BYTES
from edgeq_runtime import build, native
from tests.agent.conftest import packed
from tests.signing.conftest import Desk

pytestmark = pytest.mark.slow
EMULATORS = {"aarch64": "qemu-aarch64", "armv7": "qemu-arm"}


@pytest.fixture(params=EMULATORS)
def agent(request: pytest.FixtureRequest) -> list[str]:
    """The words that start the static agent of another machine."""
    pytest.importorskip("ziglang")
    emulator = shutil.which(EMULATORS[request.param])
    if emulator is None:
        pytest.skip(f"{EMULATORS[request.param]} is not installed: run tools/install.sh")
    return [emulator, str(build.build("agent", build.config_for("agent", None, False, request.param)))]


def test_an_emulated_device_takes_what_its_key_has_signed_and_nothing_else(agent: list[str], desk: Desk, tmp_path: Path) -> None:
    good = signing.sign(packed(1), "m", desk.private(), 2)
    changed = bytearray(good)
    changed[-TRAILER_BYTES + 100] ^= 1  # of the signature; its checksum is mended below
    body = bytes(changed[:-4])
    files = {
        "good": (good, 0),
        "unsigned": (packed(1), 6),
        "stranger": (signing.sign(packed(1), "m", desk.private("other"), 2), 6),
        "changed": (body + native.crc32c(body[-156:]).to_bytes(4, "little"), 6),
        "older": (signing.sign(packed(2), "m", desk.private(), 1), 6),
        "newer": (signing.sign(packed(2), "m", desk.private(), 3), 0),
    }

    def run(*words: str) -> int:
        return subprocess.run([*agent, "--root", str(tmp_path / "root"), *words], capture_output=True, timeout=120).returncode

    assert run("enroll", str(desk.folder / "release.pub")) == 0
    for name, (data, code) in files.items():
        path = tmp_path / f"{name}.eqm"
        path.write_bytes(data)
        assert run("install", str(path), "kws") == code, name

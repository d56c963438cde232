"""Every block function of SHA-256 gives what hashlib gives, and the one that is chosen is one that the CPU has."""

from __future__ import annotations

import hashlib
import platform
import random
import shutil
import struct
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from edgeq_runtime import build, lists
from tests.cross.test_isas import CPUINFO, FEATURE

SOURCE = Path(__file__).with_name("sha256_sums.c")
NIST = {  # FIPS 180-4 examples of CSRC: one block, two blocks, a million letters
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    b"a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
}
EMULATED = {  # by machine, program of QEMU and its CPU: what is chosen there; QEMU's Cortex-A72 has SHA2, that of a Raspberry Pi 4 has not
    ("aarch64", "qemu-aarch64", "cortex-a76"): "sha2",
    ("aarch64", "qemu-aarch64", "cortex-a72"): "sha2",
    ("aarch64", "qemu-aarch64", "max"): "sha2",
    ("armv7", "qemu-arm", "cortex-a7"): "portable",
    ("x86_64", "qemu-x86_64", "Nehalem"): "portable",
}


@cache
def program(config: build.Config) -> Path:
    on = build.enabled(config.cc)
    needed = [p for p in build.target_sources("lib", on) if p.parent.name == "hash" or p.name in ("eq_sha256.c", "eq_cpu.c")]
    config.folder.mkdir(parents=True, exist_ok=True)
    with build._locked(config.folder):
        objects = [build.compile_one(config, on, source) for source in (*needed, SOURCE)]
        return build.link(config, "sha256_sums", objects, config.folder / "sha256_sums")


@cache
def messages() -> tuple[tuple[bytes, ...], ...]:
    """Every length to 300 in one piece, in two and from an odd address; random cuts of random lengths; NIST's."""
    generator = random.Random(256)
    data = generator.randbytes(300)
    found: list[tuple[bytes, ...]] = [(data[:n],) for n in range(301)]
    found += [(data[: n // 3], data[n // 3 : n]) for n in range(301)]
    for _ in range(200):
        text = generator.randbytes(generator.randrange(5000))
        cuts = [0, *sorted(generator.choices(range(len(text) + 1), k=generator.randrange(12))), len(text)]
        found.append(tuple(text[a:b] for a, b in pairwise(cuts)))
    return (*found, *((text,) for text in NIST))


def packed() -> bytes:
    parts = [struct.pack("=I", len(messages()))]
    for pieces in messages():
        parts.append(struct.pack("=I", len(pieces)))
        parts += [struct.pack("=I", len(piece)) + piece for piece in pieces]
    return b"".join(parts)


def sums(*command: str | Path) -> tuple[str, list[str]]:
    """The name of the function, and the digests of messages()."""
    done = subprocess.run(command, input=packed(), capture_output=True)
    if done.returncode == 3:
        pytest.skip("this CPU does not have it")
    assert done.returncode == 0, done.stderr.decode()
    name, _, digests = done.stdout.partition(b"\n")
    return name.decode(), [digests[i : i + 32].hex() for i in range(0, len(digests), 32)]


def wanted() -> list[str]:
    return [hashlib.sha256(b"".join(pieces)).hexdigest() for pieces in messages()]


def native() -> list[str]:
    return ["portable", *(name for name, isa in lists.sha256s().items() if isa.arch == platform.machine())]


def config(cc: str, sanitize: bool = False) -> build.Config:
    if cc == "zig":
        pytest.importorskip("ziglang")
        return build.cross("selftest", platform.machine())
    if not shutil.which(cc):
        pytest.skip(f"{cc} is not installed")
    return build.config_for("selftest", cc, sanitize)


def of_the_kernel() -> str:
    """The first row whose features are all in /proc/cpuinfo."""
    if not CPUINFO.exists():
        pytest.skip("there is no /proc/cpuinfo")
    here = set(CPUINFO.read_text().split())
    for line in (lists.CSRC / "sha256.def").read_text().splitlines():
        features = {x86 or arm.lower() for x86, arm in FEATURE.findall(line)}
        if features and f" {platform.machine()}, " in line and features <= here:
            return line.partition("(")[2].partition(",")[0]
    return "portable"


def test_the_vectors_of_nist_are_among_the_messages() -> None:
    assert wanted()[-len(NIST) :] == list(NIST.values())


@pytest.mark.parametrize("name", native())
def test_every_length_and_every_cut_gives_the_digest(name: str) -> None:
    assert sums(program(build.config_for("selftest", None, False)), name) == (name, wanted())


def test_the_best_that_the_cpu_has_is_chosen() -> None:
    assert sums(program(build.config_for("selftest", None, False)))[0] == of_the_kernel()


@pytest.mark.slow
@pytest.mark.parametrize("name", native())
@pytest.mark.parametrize(("cc", "sanitize"), [("gcc", True), ("clang", True), ("clang", False), ("zig", False)])
def test_every_compiler_gives_the_digests_and_no_byte_beyond_the_message_is_read(cc: str, sanitize: bool, name: str) -> None:
    assert sums(program(config(cc, sanitize)), name) == (name, wanted())


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "qemu", "cpu"), EMULATED)
def test_emulated_machines_choose_what_they_have_and_give_the_digests(machine: str, qemu: str, cpu: str) -> None:
    pytest.importorskip("ziglang")
    found = shutil.which(qemu)
    if found is None:
        pytest.skip(f"{qemu} is not installed: run tools/install.sh")
    built = program(build.cross("selftest", machine))
    assert sums(found, "-cpu", cpu, built) == (EMULATED[machine, qemu, cpu], wanted())
    assert sums(found, "-cpu", cpu, built, "portable") == ("portable", wanted())

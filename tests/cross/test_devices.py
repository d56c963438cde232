"""The files for devices: of the right machine, self-contained or with old symbols alone, small, and made again only when needed."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from bench import goals
from edgeq_host import agents
from edgeq_runtime import build, toolchain

pytestmark = pytest.mark.slow
FILES = [f"{arch}/{name}" for arch in agents.ARCHES for name in (agents.AGENT, agents.LIBRARY)]
LIBRARIES = [name for name in FILES if name.endswith(".so")]
PROGRAMS = [name for name in FILES if name not in LIBRARIES]
MACHINE = {"x86_64": "Advanced Micro Devices X86-64", "aarch64": "AArch64", "armv7": "ARM"}
OF_GLIBC = {"libc.so.6", "libm.so.6", "libpthread.so.0"}


def readelf(path: Path, *options: str) -> str:
    return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, check=True).stdout


def test_there_are_files_for_the_machines_that_the_host_knows() -> None:
    assert set(build.CROSS) == set(agents.ARCHES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_of_its_machine_and_stripped(devices: Path, name: str) -> None:
    head = readelf(devices / name, "-h")
    assert re.search(r"Machine: +(.*)", head)[1] == MACHINE[name.partition("/")[0]]  # type: ignore[index]
    assert ".symtab" not in readelf(devices / name, "-S") and ".debug" not in readelf(devices / name, "-S")


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("armv7")])
def test_armv7_takes_floats_in_registers_of_the_vector_unit(devices: Path, name: str) -> None:
    assert "Tag_ABI_VFP_args: VFP registers" in readelf(devices / name, "-A")
    assert "hard-float ABI" in readelf(devices / name, "-h")


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_agent_needs_nothing_of_the_device_but_its_kernel(devices: Path, name: str) -> None:
    assert "INTERP" not in readelf(devices / name, "-l") and "(NEEDED)" not in readelf(devices / name, "-d")


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_needs_glibc_2_17_at_most_and_no_other_library(devices: Path, name: str) -> None:
    versions = {tuple(map(int, v.split("."))) for v in re.findall(r"Name: GLIBC_([\d.]+)", readelf(devices / name, "-V"))}
    assert versions and max(versions) <= (2, 17)
    assert set(re.findall(r"\(NEEDED\).*\[(.*)\]", readelf(devices / name, "-d"))) <= OF_GLIBC
    assert "RPATH" not in readelf(devices / name, "-d") and "RUNPATH" not in readelf(devices / name, "-d")


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_stays_small_and_shows_its_public_functions_alone(devices: Path, name: str) -> None:
    assert (devices / name).stat().st_size <= goals.LIBRARY_BYTES[name.partition("/")[0]]
    rows = [line.split() for line in readelf(devices / name, "--dyn-syms").splitlines()]
    assert sorted(row[7] for row in rows if len(row) == 8 and row[6] not in ("UND", "Ndx")) == build.exported()


@pytest.mark.parametrize("name", FILES)
def test_no_file_says_where_it_was_built(devices: Path, name: str) -> None:
    data = (devices / name).read_bytes()
    places = [str(toolchain.PACKAGE.parent), str(Path.home()), "/site-packages/", "ziglang"]
    assert not [place for place in places if place != "/" and place.encode() in data]


def test_the_list_says_what_the_files_are(devices: Path) -> None:
    lines = [f"{hashlib.sha256((devices / name).read_bytes()).hexdigest()}  {name}" for name in FILES]
    assert sorted((devices / agents.SUMS).read_text().splitlines()) == sorted(lines)


def test_what_is_up_to_date_is_not_made_again(devices: Path) -> None:
    def stamps() -> list[int]:
        return [(devices / name).stat().st_mtime_ns for name in (*FILES, agents.SUMS)]

    before = stamps()
    build.devices()
    assert stamps() == before


def test_the_host_finds_what_was_built(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "FOLDER", devices)
    for arch in agents.ARCHES:
        assert agents.find(arch).path == devices / arch / agents.AGENT
        assert agents.find_library(arch).path == devices / arch / agents.LIBRARY

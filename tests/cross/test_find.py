"""Which agent a machine gets, and what is said when there is none or when it is not the one that was recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq_host import agents
from edgeq_host.errors import BoardError, UsageError

FINDERS = {agents.AGENT: agents.find, agents.LIBRARY: agents.find_library}
DAMAGE: dict[str, Callable[[Path], object]] = {
    "another byte": lambda path: path.write_bytes(b"?" + path.read_bytes()[1:]),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound folder whose files say what they are, in the place of the real one."""
    lines = []
    for arch in agents.ARCHES:
        (tmp_path / arch).mkdir()
        for name in FINDERS:
            data = f"{name} of {arch}".encode()
            (tmp_path / arch / name).write_bytes(data)
            lines.append(f"{hashlib.sha256(data).hexdigest()}  {arch}/{name}\n")
    (tmp_path / agents.SUMS).write_text("".join(lines))
    monkeypatch.setattr(agents, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("machine", agents.MACHINES)
@pytest.mark.parametrize("name", FINDERS)
def test_every_machine_gets_the_files_of_its_architecture(folder: Path, machine: str, name: str) -> None:
    arch = agents.MACHINES[machine]
    data = f"{name} of {arch}".encode()
    found = FINDERS[name](machine)
    assert found == agents.AgentFile(arch, folder / arch / name, hashlib.sha256(data).hexdigest(), len(data))


def test_the_names_that_the_kernels_of_the_boards_use_are_known() -> None:
    assert [agents.arch_of(name) for name in ("x86_64", "AMD64", "aarch64\n", "armv7l", "armv8l")] == [
        "x86_64", "x86_64", "aarch64", "armv7", "armv7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "machine", ["riscv64", "armv6l", "i686", "aarch64_be", "", "../x86_64", "x86_64\0", "x" * 5000], ids=lambda name: repr(name[:12])
)
def test_an_unknown_machine_is_named_with_those_that_are_known(folder: Path, machine: str) -> None:
    with pytest.raises(BoardError) as error:
        agents.find(machine)
    assert repr(machine[:40]) in error.value.message and all(arch in error.value.message for arch in agents.ARCHES)
    assert len(error.value.message) < 200


@pytest.mark.parametrize("name", FINDERS)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_never_given_out(folder: Path, name: str, damage: str) -> None:
    DAMAGE[damage](folder / "armv7" / name)
    with pytest.raises(UsageError, match="is damaged") as error:
        FINDERS[name]("armv7l")
    assert str(folder / "armv7" / name) in error.value.message
    assert FINDERS[name]("aarch64").arch == "aarch64"


def test_what_is_not_there_is_an_error_with_the_remedy(folder: Path) -> None:
    (folder / "armv7" / agents.AGENT).unlink()
    with pytest.raises(UsageError, match="No such file") as missing:
        agents.find("armv7l")
    (folder / agents.SUMS).unlink()
    with pytest.raises(UsageError, match="not there") as nothing:
        agents.find("x86_64")
    assert missing.value.hint == nothing.value.hint == "build it with: make agents"


@pytest.mark.parametrize("text", ["", "nonsense\n", "0" * 64 + "  x86_64/other\n", "0" * 63 + "  x86_64/edgeq-agent\n", "\udcff"])
def test_a_list_that_does_not_name_the_file_is_an_error(folder: Path, text: str) -> None:
    (folder / agents.SUMS).write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UsageError, match=agents.SUMS):
        agents.find("x86_64")


def test_an_installed_package_says_to_install_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "_PACKAGED", folder)
    (folder / agents.SUMS).unlink()
    with pytest.raises(UsageError) as error:
        agents.find("x86_64")
    assert "pip install --force-reinstall edgeq" in error.value.hint

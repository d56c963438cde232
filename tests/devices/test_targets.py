"""What --board means: a device, an address, a kind of board, a family; and never a guess."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeq_host import inventory, targets
from edgeq_host.errors import UsageError
from edgeq_host.transports import Options


@pytest.fixture
def three(project: Path) -> Path:
    path = project / "edgeq.toml"
    entry = inventory.entry
    inventory.add(
        path,
        [
            entry("kitchen", "pi@kitchen", "raspberrypi_5", "~/key", ("field",)),
            entry("attic", "pi@attic", "raspberrypi_4b", "", ("field", "old")),
            entry("car", "ssh://car", "nvidia_jetson_nano"),
            entry("shed", "pi@shed"),
        ],
    )
    return path


def names(*words: str, every: bool = False, tags: tuple[str, ...] = ()) -> list[str]:
    return [target.name for target in targets.resolve(words, every, tags)]


def test_a_device_is_meant_by_its_name(three: Path) -> None:
    (kitchen,) = targets.resolve(["kitchen"], options=Options(ssh="paramiko"))
    assert kitchen.address == "ssh:pi@kitchen" and kitchen.board is not None and kitchen.board.id == "raspberrypi_5"
    assert kitchen.options == Options("paramiko", str(Path.home() / "key")) and kitchen.source == "measured"
    assert names("kitchen,attic", "car", "kitchen") == ["kitchen", "attic", "car"]


def test_an_address_needs_no_device() -> None:
    (found,) = targets.resolve(["pi@kitchen.local:22"])
    assert (found.name, found.address, found.board) == ("pi@kitchen.local:22", "ssh:pi@kitchen.local:22", None)


def test_a_board_that_is_its_own_device_needs_none() -> None:
    assert names("local") == names("host") == ["local"]
    (emulated,) = targets.resolve(["sim:raspberrypi5"])
    assert emulated.name == "sim_raspberrypi_5" and emulated.source == "emulated"


def test_a_kind_or_a_family_means_the_one_device_of_it(three: Path) -> None:
    assert names("raspberrypi_5") == names("raspberrypi5") == ["kitchen"] and names("jetson") == ["car"]


def test_several_are_listed_and_none_is_chosen(three: Path) -> None:
    with pytest.raises(UsageError, match="2 devices are raspberrypi") as info:
        names("raspberrypi")
    assert "--all" in info.value.hint and "attic  ssh:pi@attic" in info.value.hint and "kitchen  ssh:pi@kitchen" in info.value.hint


def test_none_is_answered_with_lines_that_are_ready_to_run(project: Path, three: Path) -> None:
    ssh = Path.home() / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "config").write_text("Host lab *.lan !x\n  User pi\nHost bench\n")
    with pytest.raises(UsageError, match="no device of yours is a generic_arm64") as info:
        names("generic_arm64")
    assert info.value.hint.splitlines() == [
        "nobody has said yet what these are:",
        "edgeq devices probe shed --save",
        "say what it is and where:",
        "edgeq devices add bench ssh://bench --board generic_arm64",
        "edgeq devices add lab ssh://lab --board generic_arm64",
    ]
    with pytest.raises(UsageError, match="no device and no kind of board is named 'lab'") as info:
        names("lab")
    assert "edgeq devices add lab ssh://lab" in info.value.hint


def test_what_nobody_knows_is_said_with_what_was_perhaps_meant(three: Path) -> None:
    with pytest.raises(UsageError, match="did you mean kitchen"):
        names("kichen")


def test_all_and_tags_choose_among_the_devices(three: Path) -> None:
    assert names(every=True) == ["attic", "car", "kitchen", "shed"]
    assert names("raspberrypi", every=True) == ["attic", "kitchen"] == names(tags=("field",)) == names(tags=("old", "field"))
    assert names("raspberrypi_5", "car", every=True) == ["car", "kitchen"]
    assert names("kitchen", tags=("old", "field")) == ["kitchen"]
    with pytest.raises(UsageError, match="no device fits --tag none") as info:
        names(tags=("none",))
    assert "field, old" in info.value.hint
    with pytest.raises(UsageError, match="is named 'nothing'"):
        names("nothing", every=True)


def test_without_a_word_the_setting_is_meant(three: Path) -> None:
    with pytest.raises(UsageError, match="no board is given"):
        names()
    three.write_text('board = "kitchen"\n' + three.read_text())
    assert names() == ["kitchen"]


def test_hosts_come_from_the_files_that_ssh_reads_and_those_that_they_include(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = Path.home() / ".ssh"
    (ssh / "more.d").mkdir(parents=True)
    (ssh / "config").write_text('Include more.d/*.conf missing config\nHost=lab "attic"\n  User pi\n')
    (ssh / "more.d" / "a.conf").write_text("Host garage\nInclude ~/.ssh/deep\n")
    os.mkfifo(ssh / "more.d" / "b.conf")
    (ssh / "more.d" / "c.conf").write_bytes(b"Host \xff\n")
    (ssh / "deep").write_text("host cellar\n")
    assert {"attic", "cellar", "garage", "lab"} <= set(targets.ssh_hosts())
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", str(project / "own"))
    assert targets.ssh_hosts() == []
    (project / "own").write_text("Host shed *.lan\nMatch host lab\n")
    assert targets.ssh_hosts() == ["shed"]
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", "/dev/null")
    assert targets.ssh_hosts() == []

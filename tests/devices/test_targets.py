"""What --board means: a device, an address, a kind of board, a family; and never a guess."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from edgeq_host import inventory, offers, targets
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


def test_lines_that_are_offered_can_be_run_as_they_stand(project: Path) -> None:
    ssh = Path.home() / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "config").write_text('Host jetson _pi a "my host" fe80::1 fe80::2%eth0 -x raspberrypi5 lab attic my-jetson\n')
    inventory.add(project / "edgeq.toml", [inventory.entry("a", "pi@other"), inventory.entry("loft", "ssh://root@attic:2222")])
    with pytest.raises(UsageError, match="no device of yours is a raspberrypi_5") as info:
        names("raspberrypi_5")
    lines = [line for line in info.value.hint.splitlines() if line.startswith("edgeq devices add")]
    words = [shlex.split(line)[3:] for line in lines]
    assert {address for _, address, *_ in words} == {
        *("ssh://jetson", "ssh://_pi", "ssh://a", "ssh://[fe80::1]", "ssh://[fe80::2%eth0]", "ssh://raspberrypi5", "ssh://lab"),
        "ssh://my-jetson",
    }
    inventory.add(project / "edgeq.toml", [inventory.entry(name, address, board) for name, address, _, board in words])
    with pytest.raises(UsageError) as info:
        names("jetson")
    assert info.value.hint.splitlines()[-1] == "edgeq devices add NAME pi@HOST"


def test_an_odd_host_that_ssh_knows_is_offered_under_a_name_that_can_be(project: Path) -> None:
    ssh = Path.home() / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "config").write_text("Host _pi\n")
    with pytest.raises(UsageError) as info:
        names("_pi")
    assert info.value.hint.endswith("edgeq devices add pi ssh://_pi")


def test_what_nobody_knows_is_said_with_what_was_perhaps_meant(three: Path) -> None:
    with pytest.raises(UsageError, match="did you mean kitchen"):
        names("kichen")
    with pytest.raises(UsageError) as info:
        names("mill")
    assert info.value.hint.endswith("; a host: ssh://mill")
    with pytest.raises(UsageError) as info:
        names("a b")
    assert "ssh://" not in info.value.hint


def test_devices_that_nobody_asked_are_named_where_a_kind_has_one_that_is_known(three: Path) -> None:
    (found,) = targets.resolve(["raspberrypi_5"])
    assert found.name == "kitchen" and "nobody has said yet what shed is: edgeq devices probe shed --save" in found.remark
    assert [t.remark for t in targets.resolve(["kitchen"])] == [""] and names("kitchen", "raspberrypi_5") == ["kitchen"]


def test_no_word_that_means_no_device_of_yours_chooses_among_them(three: Path) -> None:
    for word, says in (("root@den", "root@den is an address"), ("local", "is one of its own"), ("sim:raspberrypi4", "is one of its own")):
        with pytest.raises(UsageError, match=f"choose among your devices, .*{says}") as info:
            names(word, every=True)
        assert "leave --all and --tag out" in info.value.hint


def test_without_devices_all_of_them_are_none(project: Path) -> None:
    with pytest.raises(UsageError, match="no device fits --all") as info:
        names(every=True)
    assert info.value.hint == "you have added none: edgeq devices add NAME pi@HOST"


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
    three.write_text(three.read_text().replace('"kitchen"', '"kitchen, attic"', 1))
    assert names() == ["kitchen", "attic"]


def test_hosts_come_from_the_files_that_ssh_reads_and_those_that_they_include(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = Path.home() / ".ssh"
    (ssh / "more.d").mkdir(parents=True)
    (ssh / "config").write_text('Include more.d/*.conf missing config\nHost=lab "attic"\n  User pi\n')
    (ssh / "more.d" / "a.conf").write_text("Host garage\nInclude ~/.ssh/deep\n")
    os.mkfifo(ssh / "more.d" / "b.conf")
    (ssh / "more.d" / "c.conf").write_bytes(b"Host \xff\n")
    (ssh / "deep").write_text("host cellar\n")
    assert {"attic", "cellar", "garage", "lab"} <= set(offers.ssh_hosts())
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", str(project / "own"))
    assert offers.ssh_hosts() == []
    (project / "own").write_text("Host shed *.lan\nMatch host lab\n")
    assert offers.ssh_hosts() == ["shed"]
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", "/dev/null")
    assert offers.ssh_hosts() == []

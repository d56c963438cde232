"""Devices by name: added, removed, read from CSV, and what cannot be one."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq_host import addresses, inventory, targets
from edgeq_host.errors import UsageError
from edgeq_host.inventory import Entry

KITCHEN = Entry("kitchen", "ssh:pi@kitchen.local", "raspberrypi_5", "~/.ssh/id", ("field", "pi"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("pi@kitchen.local", "ssh:pi@kitchen.local"),
        ("pi@kitchen:2222", "ssh:pi@kitchen:2222"),
        ("ssh://kitchen", "ssh://kitchen"),
        ("pipe:edgeq-agent --root x", "pipe:edgeq-agent --root x"),
    ],
)
def test_addresses_are_taken_as_they_are_typed(text: str, address: str) -> None:
    assert addresses.is_address(text) and addresses.canonical(text) == address == addresses.canonical(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kitchen",
        "kitchen.local",
        "http://x@\n",
        "gopher://x",
        "ssh:",
        "ssh://",
        " a@b",
        "a@b\0",
        "a@" + "b" * 2000,
    ],
)
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError) as info:
        addresses.canonical(text)
    assert info.value.hint and len(info.value.message) < 200


def test_a_device_comes_back_as_it_was_added_and_the_comments_stay(project: Path) -> None:
    path = project / "edgeq.toml"
    path.write_text("# mine\njobs = 2  # two\n")
    inventory.add(path, [KITCHEN])
    assert inventory.entries() == {"kitchen": replace(KITCHEN, path=path)}
    assert "# mine\njobs = 2  # two\n" in path.read_text()
    inventory.change(path, Entry("kitchen", KITCHEN.address, "raspberrypi_4b"))
    assert inventory.entries()["kitchen"].board == "raspberrypi_4b" and inventory.entries()["kitchen"].tags == ("field", "pi")
    inventory.remove(path, "kitchen")
    assert inventory.entries() == {} and "# mine" in path.read_text()


def test_a_device_is_added_once_and_all_or_none(project: Path) -> None:
    path = project / "edgeq.toml"
    inventory.add(path, [KITCHEN])
    before = path.read_bytes()
    with pytest.raises(UsageError, match="has a device 'kitchen' already"):
        inventory.add(path, [Entry("attic", "ssh:a@b"), KITCHEN])
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "-x", "a b", "../x", "x" * 64, "local", "jetson", "raspberrypi5", "sim:raspberrypi4", "ü"])
def test_a_device_cannot_have_the_name_of_a_board_or_odd_letters(name: str) -> None:
    with pytest.raises(UsageError):
        inventory.entry(name, "a@b")


def test_a_kind_of_board_that_is_not_there_is_said() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        inventory.entry("kitchen", "a@b", "raspberrypi_55")
    assert inventory.entry("kitchen", "a@b", "raspberrypi5").board == "raspberrypi_5"


def test_a_wrong_device_in_the_file_is_named_with_the_file_once_it_is_used_and_keeps_no_other_from_it(project: Path) -> None:
    path = project / "edgeq.toml"
    text = "[devices.kitchen]\naddress = 'kitchen'\n[devices.local]\naddress = 'pi@a'\n[devices.attic]\naddress = 'pi@attic'\n"
    path.write_text(text)
    found = inventory.entries()
    assert [name for name, entry in found.items() if entry.wrong is None] == ["attic"]
    assert targets.of_entry(found["attic"]).address == "ssh:pi@attic"
    with pytest.raises(UsageError, match=r"edgeq.toml: device 'kitchen': 'kitchen' is no address"):
        targets.of_entry(found["kitchen"])
    with pytest.raises(UsageError, match=r"edgeq.toml: device 'local': 'local' is a kind of board"):
        targets.of_entry(found["local"])
    inventory.remove(path, "kitchen")
    assert list(inventory.entries()) == ["attic", "local"]


def test_a_device_of_a_board_that_is_not_known_here_is_reached_all_the_same(project: Path) -> None:
    (project / "edgeq.toml").write_text("[devices.gw]\naddress = 'root@gw'\nboard = 'acme_real'\n[devices.b]\naddress = 'pi@b'\n")
    found = inventory.entries()["gw"]
    assert found.board == "acme_real" and found.wrong is not None and "no board 'acme_real'" in found.wrong.text
    (target,) = targets.resolve(["gw"])
    assert target.address == "ssh:root@gw" and target.board is None and "no board 'acme_real'" in target.remark
    assert [t.remark for t in targets.resolve(["b"])] == [""]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ssh://user:secret@host", "holds a password"),
        ("user:se@cret@host", "holds a password"),
        ("user:secret@host:22", "holds a password"),
        ("http://pi@host", "no transport for 'http://pi@host'"),
        ("gopher://pi:secret@host", "no transport"),
        ("ssh://-oProxyCommand=x", "is no host"),
        ("pi@host:99999", "is no port"),
        ("pi@host:abc", "is no port"),
        ("pi@ho st", "is no host"),
        ("pi@", "is no host"),
        ("@host", "is no user's name"),
        ("ssh://pi@host/path", "is no host"),
    ],
)
def test_an_address_that_no_ssh_would_take_is_said_at_once_and_no_password_is_repeated(project: Path, text: str, says: str) -> None:
    (project / "edgeq.toml").write_text(f"[devices.k]\naddress = '{text}'\n")
    (project / "f.csv").write_text(f"name,address\nk,{text}\n")
    wrong = inventory.entries()["k"].wrong
    said = [wrong.text + wrong.hint if wrong else ""]
    for use in (
        lambda: inventory.entry("k", text),
        lambda: inventory.from_csv(project / "f.csv"),
        lambda: targets.resolve([text]),
        lambda: targets.resolve([text], every=True),
    ):
        with pytest.raises(UsageError) as info:
            use()
        said.append(info.value.message + info.value.hint)
    assert all(says in one for one in said[:-1]) and not any("cret" in one for one in said), said
    assert inventory.entries()["k"].address == ""


def test_a_key_that_is_no_file_is_said_and_not_repeated(project: Path) -> None:
    with pytest.raises(UsageError, match="the key of k is no file") as info:
        inventory.check_key(inventory.entry("k", "a@b", key="/no/secret"))
    assert "secret" not in info.value.message + info.value.hint
    inventory.check_key(inventory.entry("k", "a@b", key=str(Path(__file__))))


def test_two_names_of_one_address_are_said(project: Path) -> None:
    inventory.add(project / "edgeq.toml", [KITCHEN])
    new = [inventory.entry(name, address) for name, address in (("a", "pi@kitchen.local"), ("b", "pi@b"), ("c", "pi@b"))]
    assert list(inventory.same_address(new)) == [("kitchen", "a"), ("b", "c")]


def test_a_csv_file_is_read(project: Path) -> None:
    path = project / "fleet.csv"
    path.write_text('\ufeffName,ADDRESS,tags,board\nkitchen,pi@kitchen,"field, pi",raspberrypi_5\nattic , ssh://attic,,\n')
    assert inventory.from_csv(path) == [
        Entry("kitchen", "ssh:pi@kitchen", "raspberrypi_5", "", ("field", "pi")),
        Entry("attic", "ssh://attic"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", r"the columns \(none\)"),
        ("name,adress\nx,a@b\n", "the columns name, adress"),
        ("name,address,name\n", "the columns"),
        ("name;address\nx;a@b\n", "';' stands between the columns"),
        ("name\taddress\nx\ta@b\n", r"'\\t' stands between the columns"),
        ("name,address\n", "there is no device in it"),
        ("name,address,key\nx,a@b,/no/file\n", "line 2: device 'x': the key of x is no file"),
        ("name,address\nx\n", "line 2: not 2 values"),
        ("name,address\nx,a@b,c\n", "line 2: not 2 values"),
        ("name,address\nx,a@b\nx,a@c\n", "line 3: device 'x' is there twice"),
        ("name,address\nx,host\n", "line 2: device 'x': 'host' is no address"),
        ("name,address,board\nx,a@b,pi\n", "line 2: device 'x': no board 'pi'"),
        ('name,address\n"x,a@b\n', "cannot be read"),
    ],
)
def test_a_wrong_csv_file_is_named_with_its_line(project: Path, text: str, found: str) -> None:
    path = project / "fleet.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=found) as info:
        inventory.from_csv(path)
    assert "fleet.csv" in info.value.message and info.value.hint


def test_devices_that_are_added_at_the_same_time_are_all_there(project: Path) -> None:
    path = project / "edgeq.toml"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: inventory.add(path, [Entry(f"d{i}", "ssh:a@b")]), range(16)))
    assert len(inventory.entries()) == 16


def test_a_list_of_devices_that_never_ends_is_not_read(project: Path) -> None:
    os.mkfifo("pipe.csv")
    with open("long.csv", "wb") as file:
        file.truncate(inventory.MAX_CSV + 1)
    for path, says in (("/dev/zero", "no regular file"), ("pipe.csv", "no regular file"), ("long.csv", "longer than")):
        with pytest.raises(UsageError, match=says):
            inventory.from_csv(Path(path))
